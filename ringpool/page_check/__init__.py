"""Why a page's numbers are swapped or aren't: the page, its tag, its policy and the service."""
