"""Detection metrics in one place: AVA frame-mAP, COCO AP and AR, video-mAP of tubes, AP of mask tracks."""

from onlooker.metrics.ava import LabelledBoxes, evaluate_ava, frame_ap
from onlooker.metrics.coco import cross_category_recall, evaluate_coco, recall_by_budget
from onlooker.metrics.tubes import Tube, Tubelet, link_tubelets, track_ap, tube_iou, video_ap, video_map

__all__ = [
    "LabelledBoxes",
    "Tube",
    "Tubelet",
    "cross_category_recall",
    "evaluate_ava",
    "evaluate_coco",
    "frame_ap",
    "link_tubelets",
    "recall_by_budget",
    "track_ap",
    "tube_iou",
    "video_ap",
    "video_map",
]
