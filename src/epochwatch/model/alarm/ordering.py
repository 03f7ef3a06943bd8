"""In which order composite alarms are evaluated: each behind those it refers to."""

from collections.abc import Collection, Mapping


def evaluation_order(children: Mapping[str, Collection[str]]) -> list[str]:
    """The composite alarms (by their names, with the names of those they refer to), each behind those. One that
    refers to itself, be it by way of others, is not evaluated: it is left out.
    """
    known = {name: [child for child in own if child in children] for name, own in children.items()}
    circular = {name for name in known if name in _reached(known, name)}
    order: dict[str, None] = {}
    for name in sorted(known.keys() - circular):
        path = [name]
        while path:
            waiting = [one for one in known[path[-1]] if one not in order and one not in circular]
            if waiting:
                path.append(waiting[0])
            else:
                order[path.pop()] = None
    return list(order)


def _reached(children: Mapping[str, Collection[str]], name: str) -> set[str]:
    """All alarms that ``name`` depends on."""
    reached: set[str] = set()
    ahead = list(children[name])
    while ahead:
        one = ahead.pop()
        if one not in reached:
            reached.add(one)
            ahead += children[one]
    return reached
