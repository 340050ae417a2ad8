"""Why a picture is left out, in a sentence for the person who sent it."""

FLAG = "flag"  # a person took the picture out of whatever stage it stood at
GENERATED = "generated"  # a detector says so, and a person has confirmed it
ERASED = "erased"  # its sender asked that nothing stays; nothing is left to bring back
SENTENCES = {
    "unreadable": "The file cannot be read as a picture.",
    "same_file": "The same file was sent before.",
    "same_photo": "The same photo was sent before.",
    "scene_again": "Enough photos of this scene were sent; take the next one somewhere else.",
    "same_scene": "The photo shows the same scene as an earlier one.",
    "held_out": "This picture is known from elsewhere; send photos of your own.",
    "near_duplicate": "A picture like this one is there already.",
    "blurred": "The photo is blurred.",
    "too_dark": "The photo is too dark.",
    "too_bright": "The photo is too bright.",
    "flag": "The photo was generated or changed by a program.",
    "generated": "The photo was generated or changed by a program.",
    "low_resolution": "The photo is smaller than asked for.",
    "template_copy": "This is the example picture, not your own photo.",
    "incorrect": "The photo does not show what was asked for.",
    "rotated": "The photo is turned.",
    "third_party": "The photo is not your own.",
    "not_loaded": "The photo could not be opened.",
    "undecided": "The checkers could not agree.",
    "cut_into_frames": "The video was cut into frames.",
    "video_not_asked": "This is a video; a photo was asked for.",
    "unreadable_video": "The file cannot be read as a video.",
    "not_selected": "The automatic selection left this picture out.",
    "video_too_short": "The video is shorter than asked for.",
    "video_too_long": "The video is longer than asked for.",
    "video_too_small": "The picture of the video is smaller than asked for.",
    "publish_children": "There are children in the picture.",
    "publish_nudity": "There are people without clothes in the picture.",
    "publish_watermark": "There is a watermark in the picture.",
    "publish_symbols": "There is a forbidden symbol in the picture.",
    "erased": "It was deleted because you asked for it.",
}
