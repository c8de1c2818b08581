"""What a screen may ask for, and what it is told when it asks for nonsense."""

import pytest

from screens.hub.subscription import Box, Layer, SubscriptionError, parse


def test_nothing_said_means_every_layer_everywhere_as_far_as_one_may_see() -> None:
    seen = parse({}, frozenset({"C1"}))

    assert seen.layers == tuple(Layer)
    assert seen.box is None
    assert seen.scope == {"C1"}


def test_a_box_is_widened_to_the_grid_so_that_neighbours_share_their_frames() -> None:
    seen = parse({"box": "120.503,27.501,120.517,27.529", "layers": "sensors,alerts"}, None)

    assert seen.box == Box(120.5, 27.5, 120.52, 27.53)
    assert seen.layers == (Layer.ALERTS, Layer.SENSORS)
    assert seen == parse(
        {"box": [120.5, 27.5, 120.52, 27.53], "layers": ["alerts", "sensors"]}, None
    )


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({"layers": "alerts,people"}, "people"),
        ({"layers": 3}, "list of words"),
        ({"box": "1,2,3"}, "west,south,east,north"),
        ({"box": "120.6,27.5,120.5,27.6"}, "west < east"),
        ({"box": "nan,27,121,28"}, "west < east"),
        ({"zoom": "near"}, "zoom"),
        ({"zoom": 99}, "zoom"),
    ],
)
def test_nonsense_is_refused_with_what_would_be_right(said: dict[str, object], word: str) -> None:
    with pytest.raises(SubscriptionError, match=word):
        parse(said, None)
