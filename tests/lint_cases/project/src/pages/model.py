"""Where pages meet a model."""

try:
    import torch
except ImportError:  # the model is an extra
    torch = None


class Regions:
    """Boxes on a page."""

    def __init__(self, boxes: list) -> None:
        self.boxes = boxes


class Detector:
    """Finds regions by a network."""

    def predict(self, image: bytes) -> Regions:
        return Regions([tuple(box) for box in torch.load("weights")(image)])


def load_detector() -> Detector:
    torch.set_num_threads(1)
    return Detector()
