"""Files, folders, videos, cameras and arrays in; upright 8-bit RGB frames out."""

from despoof.media.arrays import image_from_array as image_from_array
from despoof.media.arrays import image_from_tensor as image_from_tensor
from despoof.media.camera import open_camera as open_camera
from despoof.media.files import find_media as find_media
from despoof.media.files import is_image as is_image
from despoof.media.files import is_video as is_video
from despoof.media.images import read_image as read_image
from despoof.media.isolated import read_each as read_each
from despoof.media.limits import ImageLimits as ImageLimits
from despoof.media.sources import Source as Source
from despoof.media.sources import read_frames as read_frames
from despoof.media.videos import read_video as read_video
