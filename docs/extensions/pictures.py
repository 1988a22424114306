"""Pictures of pages in containers, so that a phone can show them at a readable size."""

from docutils import nodes
from sphinx.transforms import SphinxTransform


class Pictures(SphinxTransform):
    """Put each picture into a container, which may be narrower than the picture."""

    default_priority = 900

    def apply(self):
        for image in list(self.document.findall(nodes.image)):
            if "sd-card-img-top" in image["classes"]:  # of the gallery
                continue
            container = nodes.container(classes=["picture"])
            image.replace_self(container)
            container += image


def setup(app):
    app.add_transform(Pictures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
