"""What load_demo puts into the site."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Question:
    label: str
    field_type: str = "singleline"
    required: bool = True
    choices: str = ""
    help_text: str = ""


@dataclass(frozen=True)
class Opportunity:
    slug: str
    title: str
    kind: str
    department: str
    #: Path of its endpoint on the receiver.
    path: str
    summary: str
    body: str
    amount: str
    closes_in: timedelta | None
    questions: tuple[Question, ...]
    thank_you: str
    #: The answers that its department may have; None: all.
    only: tuple[str, ...] | None = None

    @property
    def email(self) -> str:
        return f"{self.path}@example.org"


_NAME, _EMAIL = Question("Name"), Question("E-mail address", "email")
_PHONE = Question("Telephone", required=False)

#: Of the form for several opportunities.
SHARED_QUESTIONS = (
    _NAME,
    _EMAIL,
    _PHONE,
    Question("Organisation", required=False),
    Question("Message", "multiline", required=False),
)

#: What whoever sends one of the forms agrees to.
CONSENT = (
    "<p>We use your answers to deal with your enquiry, and for nothing else. They go to the "
    "departments named in the form, and are deleted two years after your last contact with us.</p>"
)

OPPORTUNITIES = (
    Opportunity(
        slug="small-business-grant",
        title="Small business energy grant",
        kind="grant",
        department="Department for Business",
        path="business",
        summary="Up to £25,000 towards insulation, heat pumps and solar panels.",
        body=(
            "<p>We pay up to half the cost of work that makes your premises cheaper to heat and "
            "to light. You can apply if your business has fewer than 50 employees and has "
            "traded for a year or more.</p>"
            "<h3>What we pay for</h3><ul><li>Insulation of roofs and walls</li>"
            "<li>Heat pumps and solar panels</li><li>Efficient lighting and refrigeration</li></ul>"
        ),
        amount="Up to £25,000",
        closes_in=timedelta(days=90),
        questions=(
            _NAME,
            _EMAIL,
            _PHONE,
            Question("Organisation"),
            Question("Number of employees", "number"),
            Question(
                "What would you use the grant for?",
                "checkboxes",
                choices="Insulation\nHeating\nSolar panels\nLighting",
            ),
            Question("Message", "multiline", required=False),
        ),
        thank_you="<p>An adviser will write to you within five working days.</p>",
    ),
    Opportunity(
        slug="farm-modernisation-loan",
        title="Farm modernisation loan",
        kind="loan",
        department="Department of Agriculture",
        path="agriculture",
        summary="Loans at 2 per cent for machinery, buildings and water storage.",
        body=(
            "<p>Borrow between £10,000 and £150,000 over up to ten years. The first year is "
            "free of repayments.</p><p>Tell us what you plan; we will tell you what we need to "
            "see before you fill in the full application.</p>"
        ),
        amount="£10,000 to £150,000",
        closes_in=None,
        questions=(
            _NAME,
            _EMAIL,
            Question("Telephone"),
            Question(
                "Kind of farm", "dropdown", choices="Arable\nDairy\nLivestock\nMixed\nHorticulture"
            ),
            Question("Amount in pounds", "number", help_text="Roughly is enough."),
            Question("Start of the project", "date", required=False),
            Question("Message", "multiline"),
        ),
        thank_you="<p>Your local office will call you to arrange a visit.</p>",
        only=(
            "name",
            "e_mail_address",
            "telephone",
            "kind_of_farm",
            "amount_in_pounds",
            "start_of_the_project",
            "message",
        ),
    ),
    Opportunity(
        slug="digital-skills-training",
        title="Digital skills training",
        kind="training",
        department="Department for Skills",
        path="skills",
        summary="A free twelve-week course in data, design or software, in the evenings.",
        body=(
            "<p>Learn with others, twice a week, in a library near you or online. You need no "
            "experience, and we lend you a laptop.</p>"
        ),
        amount="Free of charge",
        closes_in=timedelta(days=30),
        questions=(
            _NAME,
            _EMAIL,
            _PHONE,
            Question("Which course?", "radio", choices="Data analysis\nService design\nSoftware"),
            Question("I am looking for work", "checkbox", required=False),
            Question("Message", "multiline", required=False),
        ),
        thank_you="<p>We will send you the dates of the next open evening.</p>",
        only=("name", "e_mail_address", "which_course", "i_am_looking_for_work"),
    ),
)
