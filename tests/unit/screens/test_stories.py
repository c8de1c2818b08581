"""What happened to a matter is kept, in bounded memory, the newest matters longest."""

from screens.known.stories import Stories


def message(number: int) -> bytes:
    return b'{"number":%d}' % number


def test_a_message_that_comes_twice_stands_once_and_all_stand_in_their_order() -> None:
    stories = Stories()
    for number in (1, 2, 1, 3):
        stories.add("case-step c-1", f"m-{number}", message(number))

    assert [one["number"] for one in stories.of("case-step c-1")] == [1, 2, 3]
    assert stories.of("case-step c-2") == []


def test_past_the_bounds_the_oldest_go_and_a_matter_that_is_heard_again_is_young() -> None:
    full = Stories()
    for name, number in (("a", 3), ("a", 4), ("c", 5), ("d", 6)):
        full.add(name, f"m-{number}", message(number))
    stories = Stories(most_bytes=full.nbytes, most_each=2)
    for name, number in (("a", 1), ("b", 2), ("a", 3), ("a", 4), ("c", 5), ("d", 6)):
        stories.add(name, f"m-{number}", message(number))

    assert [one["number"] for one in stories.of("a")] == [3, 4]
    assert [len(stories.of(name)) for name in "bcd"] == [0, 1, 1]
    assert stories.nbytes == full.nbytes
