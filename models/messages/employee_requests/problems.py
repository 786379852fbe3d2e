"""What can be wrong with an item's file, each with its sentence."""

from dataclasses import dataclass, field

from models.messages.sentences import N_


@dataclass(frozen=True)
class Problem:
    """What is wrong with a file, where, and in one sentence (a msgid with `values` to fill in)."""

    place: str  # "steps[2].approvers[0]", or "line 3" when the file is no YAML
    code: str
    values: dict[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The msgid of the sentence."""
        return PROBLEMS[self.code]


PROBLEMS = {
    "no_yaml": N_("The file is not readable as YAML: %(detail)s."),
    "too_large": N_("The file is larger than %(most)s characters."),
    "no_aliases": N_("Anchors and aliases (& and *) are not allowed."),
    "no_tags": N_("Tags (!) are not allowed."),
    "key_twice": N_("“%(name)s” stands here twice."),
    "too_deep": N_("Nested deeper than %(most)s levels."),
    "not_text": N_("A text is needed."),
    "not_number": N_("A whole number between %(least)s and %(most)s is needed."),
    "not_yes_no": N_("Either true or false is needed."),
    "not_list": N_("A list is needed."),
    "not_map": N_("Named values are needed."),
    "too_long": N_("At most %(most)s characters are allowed."),
    "too_many": N_("At most %(most)s entries are allowed."),
    "unknown_key": N_("“%(name)s” is not known here."),
    "missing": N_("“%(name)s” is missing."),
    "unknown_word": N_("“%(word)s” is none of: %(words)s."),
    "wrong_format": N_("This is format %(format)s; only format 1 is known."),
    "bad_id": N_("An id is made of a to z, 0 to 9 and _, and begins with a letter."),
    "no_translation": N_("The text in %(language)s is missing."),
    "id_twice": N_("The id “%(name)s” is used twice."),
    "too_many_steps": N_("An item has at most %(most)s steps."),
    "no_steps": N_("Without a step nothing would ever happen."),
    "cel_syntax": N_("The expression cannot be read: %(detail)s."),
    "cel_unknown": N_("The expression names “%(name)s”, which is not known here."),
    "cel_type": N_("The expression gives %(given)s; %(needed)s is needed."),
    "cel_too_much": N_("The expression would cost too much to work out."),
    "never_reached": N_("This step can never be reached."),
    "unknown_team": N_("There is no team “%(name)s”."),
    "unknown_role": N_("There is no role “%(name)s”."),
    "unknown_person": N_("There is no employee “%(name)s”, or they have left."),
    "unknown_field": N_("There is no field “%(name)s” of the kind %(kind)s."),
    "unknown_operation": N_("“%(connector)s” has no operation “%(name)s”."),
    "unknown_parameter": N_("The operation has no parameter “%(name)s”."),
    "missing_parameter": N_("The operation needs the parameter “%(name)s”."),
    "unknown_undo": N_("“%(name)s” does not take back this operation."),
    "unknown_article": N_("There is no published article “%(name)s”."),
    "article_not_for_all": N_("Employees may not read “%(name)s”."),
    "unknown_item": N_("There is no published item “%(name)s”."),
    "unknown_hat": N_("“%(name)s” is nobody: neither a step nor one of %(words)s."),
    "unknown_attribute": N_("The HR system knows no “%(name)s” of a person."),
    "unknown_icon": N_("There is no icon “%(name)s”."),
    "unknown_value": N_("The text uses {%(name)s}, but “values” does not say it."),
    "child_loop": N_("These items ask for each other without end: %(names)s."),
    "no_last_approver": N_("Nobody may approve more than %(amount)s: the last approver needs no limit."),
    "limit_without_amount": N_("Limits need an amount to compare with."),
    "n_too_large": N_("%(n)s of %(count)s approvers can never agree."),
    "wait_for_what": N_("Say either “until” or “event”, and “at_most_days” with an event."),
    "which_visit": N_("Say by “of” which call's visit is waited for; it has to come before: %(names)s."),
    "unknown_question": N_("The form has no question “%(name)s” that a ticket could answer."),
    "no_readers": N_(
        "The item is asked for out of tickets: “%(name)s” has to say by “readers” who sees the answer."
    ),
    "wrong_key": N_("The file is for “%(given)s”, not for “%(wanted)s”."),
}  # fmt: skip
