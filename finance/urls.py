"""URLs of `finance`: a flat list."""

from django.urls import URLPattern, path

from finance.views import days, founding, owner, practice, reports

app_name = "finance"
urlpatterns: list[URLPattern] = [
    path("owner/", owner.owner, name="owner"),
    path("dashboard/", owner.dashboard, name="dashboard"),
    path("founding/", founding.wizard, name="wizard"),
    path("founding/<slug:step>/", founding.wizard, name="wizard-step"),
    path("practice/", practice.index, name="practice"),
    path("practice/start/<slug:slug>/", practice.start, name="practice_start"),
    path("practice/<uuid:key>/", practice.attempt, name="practice_attempt"),
    path("practice/<uuid:key>/hint/", practice.hint, name="practice_hint"),
    path("practice/<uuid:key>/finish/", practice.finish, name="practice_finish"),
    path("days/", days.days, name="days"),
    path("days/<str:date>/", days.day, name="day"),
    path("days/<str:date>/accept/", days.accept, name="day_accept"),
    path("days/<str:date>/close/", days.close, name="day_close"),
    path("days/<str:date>/recheck/", days.recheck, name="day_recheck"),
    path("archive/<int:archive_id>/", days.archived, name="archive"),
    path("daily/", reports.daily, name="daily"),
    path("reports/", reports.reports, name="reports"),
    path("reports/<str:kind>/", reports.report, name="report"),
]
