"""The people who keep their contacts at Google, through Google's own client."""

from cards import by_person, filled
from google_client import FIELDS, GoogleAccount

MASK = f"{FIELDS},userDefined"
MINE = "contactGroups/myContacts"
PAGE = 1000


class AddressBook:
    """Google Contacts of one person."""

    def __init__(self, base):
        self.account = GoogleAccount(base)
        service = self.account.service()
        self._people, self._groups = service.people(), service.contactGroups()
        # What is on a card besides: custom fields by their key. A test adds what it maps.
        self.words = {}

    # ---- what people do ----

    def add(self, first, last, email=None, group=None, **person):
        """Adds a contact, to a group too if one is named."""
        person["names"] = [{"givenName": first, "familyName": last}]
        if email:
            person["emailAddresses"] = [{"value": email, "type": "work"}]
        if group:
            groups = [self.group(group), MINE]
            person["memberships"] = [{"contactGroupMembership": {"contactGroupResourceName": one}} for one in groups]
        self._people.createContact(body=person).execute()

    def edit(self, who, **person):
        """Replaces members of a contact, such as `organizations`, in the API's own shape."""
        now = self._people.get(resourceName=self.find(who)["resourceName"], personFields=MASK).execute()
        body = {"etag": now["etag"], "metadata": now["metadata"], **person}
        self._people.updateContact(resourceName=now["resourceName"], updatePersonFields=",".join(person), body=body).execute()

    def delete(self, who):
        self._people.deleteContact(resourceName=self.find(who)["resourceName"]).execute()

    def add_group(self, name):
        self._groups.create(body={"contactGroup": {"name": name}}).execute()

    def join(self, group, who):
        self._modify(group, resourceNamesToAdd=[self.find(who)["resourceName"]])

    def leave(self, group, who):
        self._modify(group, resourceNamesToRemove=[self.find(who)["resourceName"]])

    def _modify(self, group, **body):
        assert self._groups.members().modify(resourceName=self.group(group), body=body).execute() == {}

    # ---- what they see ----

    def contacts(self, group=None):
        """Every contact, or the members of a group."""
        member = group and self.group(group)
        found, token = [], None
        while True:
            asked = {"pageToken": token} if token else {}
            page = self._people.connections().list(resourceName="people/me", personFields=MASK, pageSize=PAGE, **asked).execute()
            found += page.get("connections", [])
            token = page.get("nextPageToken")
            if not token:
                return [one for one in found if not member or member in groups_of(one)]

    def group(self, name):
        """The resource name of a group."""
        listed = self._groups.list(pageSize=PAGE).execute()["contactGroups"]
        [found] = [one["resourceName"] for one in listed if one["name"] == name]
        return found

    def groups(self, who):
        """The names of the person's own groups that a contact is in."""
        listed = self._groups.list(pageSize=PAGE).execute()["contactGroups"]
        names = {one["resourceName"]: one["name"] for one in listed if one["groupType"] == "USER_CONTACT_GROUP"}
        return sorted(names[one] for one in groups_of(self.find(who)) if one in names)

    def find(self, who):
        """The contact with this e-mail address."""
        found = [one for one in self.contacts() if who in [email["value"].lower() for email in one.get("emailAddresses", [])]]
        assert len(found) == 1, f"{len(found)} contacts at Google with the address {who}"
        return found[0]

    def cards(self, group=None):
        return by_person("Google Contacts", [self.card(one) for one in self.contacts(group)])

    def card(self, found):
        def first(member, kind=None):
            return next((one for one in found.get(member, []) if kind is None or one.get("type") == kind), {})

        name, job, born = first("names"), first("organizations"), first("birthdays").get("date")
        own = {one["key"]: one["value"] for one in found.get("userDefined", [])}
        return filled(
            first=name.get("givenName"),
            last=name.get("familyName"),
            email=first("emailAddresses", "work").get("value", "").lower(),
            title=job.get("title"),
            department=job.get("department"),
            phone=first("phoneNumbers", "work").get("value"),
            mobile=first("phoneNumbers", "mobile").get("value"),
            born=born and "{year:04}-{month:02}-{day:02}".format(**born),
            notes=first("biographies").get("value"),
            **{word: own.get(key) for word, key in self.words.items()},
        )

    def versions(self):
        """The etag of each contact's own source: moves with every write."""
        return {one["resourceName"]: one["metadata"]["sources"][0]["etag"] for one in self.contacts()}


def groups_of(person):
    return [one["contactGroupMembership"]["contactGroupResourceName"] for one in person.get("memberships", [])]
