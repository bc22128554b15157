"""What a grader does without, so that it starts in half the time; imported before all that it speaks of.

nbformat brings jsonschema along, and that a parser of internationalised addresses, which takes a second to be made.
Nothing here has such addresses; without the parser jsonschema leaves their form unchecked.
"""

import sys

if "jsonschema" not in sys.modules:
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # as if not installed
