"""A frame in, upright face crops out: detect, crop, judge the picture, label its relief."""

from despoof.face.crop import CropConfig as CropConfig
from despoof.face.crop import crop_face as crop_face
from despoof.face.crop import crop_matrix as crop_matrix
from despoof.face.crop import to_crop as to_crop
from despoof.face.crop import to_picture as to_picture
from despoof.face.crop import whole_picture_face as whole_picture_face
from despoof.face.depth import DepthLabeller as DepthLabeller
from despoof.face.depth import LandmarkDepth as LandmarkDepth
from despoof.face.detect import CenterFace as CenterFace
from despoof.face.pose import roll as roll
from despoof.face.quality import QualityPolicy as QualityPolicy
from despoof.face.quality import QualityReport as QualityReport
from despoof.face.quality import assess as assess
from despoof.face.tddfa import TddfaDepth as TddfaDepth
