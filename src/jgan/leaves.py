"""Names of the leaves of a pytree, by which checkpoints and files keep them."""

from typing import Any

import jax


def leaf_name(path: Any) -> str:
    """Returns the path of a leaf as text, each key after a slash.

    >>> [leaf_name(path) for path, _ in jax.tree_util.tree_leaves_with_path({"generator": {"kernel": 1.0, "biases": [2.0]}})]
    ['generator/biases/0', 'generator/kernel']
    """
    return jax.tree_util.keystr(path, simple=True, separator="/")


def by_name(tree: Any) -> dict[str, Any]:
    """Returns the leaves of a pytree by their names.

    >>> by_name({"generator": {"kernel": 1.0}, "step": 3})
    {'generator/kernel': 1.0, 'step': 3}
    """
    return {leaf_name(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}
