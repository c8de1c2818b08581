"""A dead letter: a record that was refused, whole, with its reason."""

from schemas.envelope import Envelope
from schemas.records import Reason, Stage


class DeadLetter(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """What was refused, so that it can be understood, mended and sent again.

    `id` is UUIDv5 of topic, partition, offset and the index within a pack;
    `source` is the stage's own name, `subject` the topic it came from.

    Attributes:
        topic, partition, offset: Where it was read.
        stage, reason, field, hint: Why it was refused and what would mend it.
        key, value: The raw bytes, base64; None stands for a null.
        headers: Names with base64 values.
        late_by_ms: Of a late event: how far behind the watermark.
    """

    topic: str
    partition: int
    offset: int
    stage: Stage
    reason: Reason
    field: str = ""
    hint: str = ""
    key: str | None = None
    value: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    late_by_ms: int | None = None
