"""The hub: all layers, one rising cursor, one view for each distinct subscription."""

from collections.abc import Callable, Mapping

from screens.hub.subscription import Layer, Subscription
from screens.hub.table import Table
from screens.hub.view import View


class Hub:
    """What the city's screens look at.

    Args:
        tables: One a layer.
        epoch: Of this process: cursors of another one are not taken.
    """

    def __init__(self, tables: Mapping[Layer, Table], epoch: str) -> None:
        self.tables = tables
        self.epoch = epoch
        self.cursor = 0
        self._now_ms = 0
        self._put_back_ms = 0
        self._views: dict[Subscription, View] = {}
        self._users: dict[Subscription, int] = {}

    def tick(self, now_ms: int) -> None:
        """Publish what is due; views take it in when somebody looks.

        A wall clock that is put back stands still here: nobody waits until it has
        caught up with what was told already.
        """
        self.cursor += 1
        self._put_back_ms += max(0, self._now_ms - self._put_back_ms - now_ms)
        self._now_ms = now_ms + self._put_back_ms
        for table in self.tables.values():
            table.publish(self.cursor, self._now_ms)

    def open(self, seen: Subscription) -> "Look":
        """Return a look at a subscription; close it when its screen goes."""
        view = self._views.get(seen)
        if view is None:
            view = self._views[seen] = View(seen, self.tables, self.epoch)
        self._users[seen] = self._users.get(seen, 0) + 1

        def current() -> View:
            view.look(self.cursor, self._now_ms)
            return view

        return Look(current, lambda: self._leave(seen))

    def _leave(self, seen: Subscription) -> None:
        self._users[seen] -= 1
        if not self._users[seen]:
            del self._users[seen], self._views[seen]

    @property
    def view_count(self) -> int:
        """How many distinct subscriptions are looked at."""
        return len(self._views)


class Look:
    """One screen's hold on a view."""

    def __init__(self, current: Callable[[], View], leave: Callable[[], None]) -> None:
        self._current = current
        self._leave: Callable[[], None] | None = leave

    @property
    def view(self) -> View:
        """The view as the hub's newest cursor shows it."""
        return self._current()

    def close(self) -> None:
        """Let go of it; a second time does nothing."""
        if self._leave is not None:
            self._leave()
            self._leave = None
