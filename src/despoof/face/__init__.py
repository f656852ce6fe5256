"""A frame in, upright face crops out: detect, crop, judge the picture, label its relief."""

from despoof.face.crop import CropConfig as CropConfig
from despoof.face.crop import crop_face as crop_face
from despoof.face.crop import crop_matrix as crop_matrix
from despoof.face.crop import to_crop as to_crop
from despoof.face.crop import to_picture as to_picture
from despoof.face.crop import whole_picture_face as whole_picture_face
from despoof.face.detect import CenterFace as CenterFace
from despoof.face.pose import roll as roll
