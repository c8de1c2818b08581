"""A command to an agent, and the agent's answer."""

from contextlib import aclosing

from deploy import topic_reader
from schemas.codec import Refused, decode, encode
from schemas.commands import CaseCommand, CommandReply
from schemas.incidents import IncidentCommand


async def ask(
    address: str,
    topics: tuple[str, str],
    city: str,
    word: CaseCommand | IncidentCommand,
    timeout_s: float,
) -> CommandReply | None:
    """Send a command; return its answer, None when none came in time.

    Args:
        address: Kafka's bootstrap address.
        topics: Of commands, and of the answers to them.
        city: Its code, the key.
        word: What is commanded.
        timeout_s: How long to wait.
    """
    commands, replies = topics
    is_sent = False
    reader = topic_reader.read(address, [replies], from_beginning=False, timeout_s=timeout_s)
    async with topic_reader.producer(address) as producer, aclosing(reader):
        async for records in reader:
            if not is_sent:  # the reader stands at the end now: no answer is missed
                await producer.send_and_wait(commands, encode(word), key=city.encode())
                is_sent = True
            for record in records:
                reply = _reply(record.value)
                if reply is not None and reply.command_id == word.id:
                    return reply
    return None


def _reply(value: bytes | None) -> CommandReply | None:
    """Return an answer; None for what is none, which is nothing to who waits for another."""
    try:
        return decode(CommandReply, value or b"")
    except Refused:
        return None
