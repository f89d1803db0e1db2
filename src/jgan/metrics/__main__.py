"""python -m jgan.metrics fid A B"""

from jgan.run.compare import main

if __name__ == "__main__":
    main()
