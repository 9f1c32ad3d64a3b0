"""URLs of 班次制度."""

from django.urls import path

from station.views import patterns

urlpatterns = [
    path("patterns/", patterns.patterns, name="patterns"),
    path("patterns/new/", patterns.pattern_edit, name="pattern_new"),
    path("patterns/<int:pk>/", patterns.pattern_edit, name="pattern"),
    path("patterns/<int:pk>/choose/", patterns.pattern_choose, name="pattern_choose"),
]
