"""python -m jgan.metrics fid A B, as `jgan compare fid A B`"""

import sys

from jgan.console.main import main

if __name__ == "__main__":
    main(["compare", *sys.argv[1:]])
