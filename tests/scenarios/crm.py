"""The people who work in Zoho CRM, through Zoho's own SDK."""

from datetime import date

from zohocrmsdk.src.com.zoho.crm.api.custom_views import CustomViewsOperations
from zohocrmsdk.src.com.zoho.crm.api.custom_views.custom_views_operations import GetCustomViewsParam
from zohocrmsdk.src.com.zoho.crm.api.record import GetRecordsParam, SearchRecordsParam
from zohocrmsdk.src.com.zoho.crm.api.users import MinifiedUser
from zohocrmsdk.src.com.zoho.crm.api.util import Choice

from cards import by_person, filled
from zoho_client import OK, ZohoAccount, body, contact, contacts, created, params, value, verdicts

PAGE = 200


class Crm:
    """An organisation's contacts. What its administrator sets up (fields, views, rights) has no API, or none in the SDK:
    that goes through `account`."""

    def __init__(self, base, folder):
        self.account = ZohoAccount(base)
        self.account.initialize(folder)
        # What is on a card, by API names. A test adds what it maps.
        self.words = {
            "first": "First_Name", "last": "Last_Name", "email": "Email", "title": "Title", "department": "Department",
            "phone": "Phone", "mobile": "Mobile", "born": "Date_of_Birth", "notes": "Description",
        }  # fmt: skip
        self.choices = {"Lead_Source"}

    # ---- what an administrator sets up ----

    def add_field(self, name, options=None):
        """Adds a custom field: a text, or a pick list."""
        if options:
            self.choices.add(name)
            self.account.action("add_field", api_name=name, data_type="picklist", options=options)
        else:
            self.account.action("add_field", api_name=name)

    def add_view(self, name, field, wanted):
        criteria = {"field": {"api_name": field}, "comparator": "equal", "value": wanted}
        self.account.action("add_view", name=name, criteria=criteria)

    def add_user(self, first, last, email):
        """A colleague. Gives the id."""
        return self.account.action("add_user", first_name=first, last_name=last, email=email)["id"]

    def permit(self, **rights):
        """Gives the user's profile rights on contacts, or takes them: `Edit=False`."""
        self.account.action("set_permissions", **{f"Crm_Implied_{right}_Contacts": yes for right, yes in rights.items()})

    # ---- what people do ----

    def add(self, **fields):
        """Adds a contact, by API names. Gives its id."""
        [made] = created(contact(**self.written(fields)))
        return made

    def edit(self, who, **fields):
        answer = contacts().update_records(body(contact(id=self.find(who)["id"], **self.written(fields))))
        assert verdicts(answer) == [OK], answer.get_object()

    def delete(self, who):
        answer = contacts().delete_record(self.find(who)["id"])
        assert verdicts(answer) == [OK], answer.get_object()

    # The sandbox lets one user of an organisation call its API. Another one works in the CRM's own pages.

    def colleague_adds(self, **fields):
        self.account.add(fields)

    def colleague_edits(self, who, **fields):
        self.account.edit(self.find(who)["id"], fields)

    def written(self, fields):
        """Fields as the SDK takes them."""
        made = {name: Choice(one) if name in self.choices else one for name, one in fields.items()}
        if "Owner" in made:
            owner = MinifiedUser()
            owner.set_id(int(made["Owner"]))
            made["Owner"] = owner
        if "Date_of_Birth" in made:
            made["Date_of_Birth"] = date.fromisoformat(made["Date_of_Birth"])
        return made

    # ---- what they see ----

    def contacts(self, view=None):
        """Every contact, or those that a list view shows."""
        asked = {"fields": ",".join([*self.words.values(), "Lead_Source", "Email_Opt_Out", "Owner", "Tag", "Modified_Time"])}
        if view:
            asked["cvid"] = str(self.view(view))
        found, token = [], None
        while True:
            more = {"page_token": token} if token else {}
            answer = contacts().get_records(params(GetRecordsParam, per_page=PAGE, **asked, **more))
            if answer.get_status_code() == 204:
                return found
            assert answer.get_status_code() == 200, answer.get_object()
            page = answer.get_object()
            found += [read(record) for record in page.get_data()]
            if not page.get_info().get_more_records():
                return found
            token = page.get_info().get_next_page_token()

    def view(self, name):
        """The id of a list view."""
        answer = CustomViewsOperations().get_custom_views(params(GetCustomViewsParam, module="Contacts")).get_object()
        [found] = [view.get_id() for view in answer.get_custom_views() if view.get_name() == name]
        return found

    def find(self, who):
        """The contact with this e-mail address."""
        answer = contacts().search_records(params(SearchRecordsParam, email=who))
        found = answer.get_object().get_data() if answer.get_status_code() == 200 else []
        assert len(found) == 1, f"{len(found)} contacts in the CRM with the address {who}"
        return read(found[0])

    def cards(self, view=None):
        return by_person("the CRM", [self.card(one) for one in self.contacts(view)])

    def card(self, found):
        card = filled(**{word: found.get(name) for word, name in self.words.items()})
        if "email" in card:
            card["email"] = card["email"].lower()
        if "born" in card:
            card["born"] = card["born"].isoformat()
        return card

    def versions(self):
        """When each contact was changed last: moves with every write."""
        return {one["id"]: one["Modified_Time"] for one in self.contacts()}


def read(record):
    """A record as plain values."""
    found = {name: value(one) for name, one in record.get_key_values().items()}
    found["Tag"] = [tag.get_name() for tag in record.get_tag() or []]
    return {**found, "id": record.get_id(), "Modified_Time": record.get_modified_time()}
