"""python -m jgan ..., as `jgan ...`"""

from jgan.console.main import main

if __name__ == "__main__":
    main()
