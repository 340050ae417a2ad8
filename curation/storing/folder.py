"""Files of ours in a folder."""

from django.core.files.storage import FileSystemStorage

from curation.storing.outside import Outside


class FolderStorage(Outside, FileSystemStorage):
    pass
