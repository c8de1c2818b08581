"""XML of strangers: no entities, no documents from elsewhere, Chinese encodings."""

import re
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from schemas.records import Reason
from schemas.refused import Refusal

_DECLARATION = re.compile(rb"\s*<\?xml[^>]*\?>")
_ENCODING = re.compile(rb"encoding\s*=\s*[\"']([\w.\-]+)")
_CHINESE = frozenset({b"gb2312", b"gbk", b"gb18030"})


def parse(body: bytes) -> Element | Refusal:
    """Return the root of a document.

    The parser knows no multi-byte encodings but UTF-8, so GB 2312 and its kin are
    read here (as GB 18030, which holds all of them).
    """
    declared = _DECLARATION.match(body)
    named = _ENCODING.search(declared[0]) if declared else None
    encoding = "gb18030" if named and named[1].lower() in _CHINESE else "utf-8-sig"
    rest = body[declared.end() :] if declared else body
    try:
        root: Element = fromstring(rest.decode(encoding), forbid_dtd=True)
    except (ParseError, DefusedXmlException, UnicodeDecodeError, RecursionError) as error:
        hint = f"send XML in UTF-8 or GB 18030, without a DTD: {str(error)[:120]}"
        return Refusal(Reason.UNDECODABLE, hint=hint)
    return root


def local_name(element: Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def child_text(root: Element, name: str) -> str:
    """Return the text of the first element `name` at or below `root`, "" without one."""
    found = next((one for one in root.iter() if local_name(one) == name), None)
    return (found.text or "").strip()[:256] if found is not None else ""
