"""Control of what a trained generator makes: directions in its space of styles, and styles of given images. Functions of arrays."""
