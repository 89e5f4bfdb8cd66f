"""Counts the iterations of pipelined loops while a compiled source runs, which is what estimates of
HLS cycles rest on.
"""

from __future__ import annotations

import re

from sim.csim.cpp import is_pragma, tokens

MOST = 1 << 16
"""A report has no more bytes than this."""
COUNTERS = """#include <cstring>
#include <map>
#include <string>
namespace trips {
inline std::map<std::string, unsigned long>& counters() {
  static std::map<std::string, unsigned long> all;
  return all;
}
inline unsigned long& of(const char* function) { return counters()[function]; }
}  // namespace trips
extern "C" void trips_since(char* said, unsigned long most) {
  std::string text;
  for (auto& counter : trips::counters()) {
    if (!counter.second) continue;
    text += std::to_string(counter.second) + " " + counter.first + "\\n";
    counter.second = 0;
  }
  std::strncpy(said, text.c_str(), most - 1);
}
"""
_COUNT = "static unsigned long& trips_ = trips::of(__PRETTY_FUNCTION__); trips_++;"
_FUNCTION = re.compile(r"(\d+) .*?(\w+)\(.*")


def counting(text: str) -> str:
    """The source with a counter in each pipelined loop."""
    places = [t for t in tokens(text) if is_pragma(t, "PIPELINE")]
    for token in reversed(places):
        text = text[: token.at] + _COUNT + text[token.at + len(token.text) :]
    return text


def parsed(report: str) -> dict[str, int]:
    """Iterations by function, of all its instances."""
    found: dict[str, int] = {}
    for line in report.splitlines():
        match = _FUNCTION.match(line)
        if match:
            found[match[2]] = found.get(match[2], 0) + int(match[1])
    return found
