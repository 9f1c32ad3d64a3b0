"""Addresses of what the floors leave behind: audit, alerts, jobs, attachments, settings."""

from django.urls import URLPattern, path

from station.views import alerts, attachments, audit, jobs, settings

urlpatterns: list[URLPattern] = [
    path("audit/", audit.index, name="audit"),
    path("alerts/", alerts.index, name="alerts"),
    path("alerts/<int:pk>/", alerts.alert, name="alert"),
    path("alerts/<int:pk>/see/", alerts.see, name="alert_see"),
    path("alerts/<int:pk>/handle/", alerts.handle, name="alert_handle"),
    path("jobs/", jobs.index, name="jobs"),
    path("jobs/<int:pk>/", jobs.job, name="job"),
    path("jobs/<int:pk>/progress/", jobs.progress, name="job_progress"),
    path("attachments/", attachments.upload, name="attach"),
    path("attachments/<int:pk>/", attachments.download, name="attachment"),
    path("settings/", settings.index, name="settings"),
]
