"""Every app that connects, in the same hands: a person of whom all is known is entered in it, and what it says of a person
is told in the same words for all apps. Through the sandbox's admin API, and over plain HTTP where a real server is.

`PLACES` has one class for each connector; a new connector adds its own. Odoo's place is there where an Odoo is.
"""

import itertools
import os
import re
import uuid

import vobject

from dav import DavBook, DavServer
from sandbox import Account

# What is entered; an app that has no room for something leaves it out.
HOME = {"street": "1 Analytical Way", "city": "London", "region": "England", "zip": "W1A 1AA", "country": "United Kingdom", "code": "GB"}
WORK = {"street": "2 Engine Court", "city": "Ockham", "region": "Surrey", "zip": "GU23 6NH", "country": "United Kingdom", "code": "GB"}
PHONES = {"work": "+44 20 7946 0001", "mobile": "+44 7700 900001", "home": "+44 20 7946 0002"}
BORN = (1985, 12, 10)
SITE = "https://engines.example/ada"
NOTES = "Met at the exhibition.\nWrites, and calculates."


class Person:
    """Whom to enter: told from others by name and addresses."""

    def __init__(self, first):
        self.first, self.last, self.nick = first, "King", f"{first}y"
        self.email, self.private = f"{first}@work.example".lower(), f"{first}@home.example".lower()


class Place:
    """An app with an account in it. Each says what it `provides`: the connector's id."""

    def enter(self, person):
        """Adds a person, with everything that the app has room for."""
        raise NotImplementedError

    def told(self, email):
        """What it says of a person, in neutral words: {"e-mail work": "..."}. Nothing for what it leaves blank."""
        raise NotImplementedError

    def whole(self, email):
        """All that it holds of a person, but for what changes by itself and for the names that `rename` changes."""
        raise NotImplementedError

    def rename(self, email, last):
        """Gives a person another family name, by hand."""
        raise NotImplementedError

    def versions(self):
        """Something that changes when anything is written."""
        raise NotImplementedError

    def authorised(self, customer):
        """Connects the account. Gives its id."""
        raise NotImplementedError

    def side(self, customer):
        """The side of a connection: all that the account has."""
        return {"account": self.authorised(customer)}


class Sandboxed(Place):
    """An app that the sandbox imitates."""

    provider, changes = None, ()

    def __init__(self, sandbox, folder):
        del folder
        self.account = Account(sandbox, self.provider)

    def enter(self, person):
        self.account.add(self.native(person))

    def find(self, email):
        found = [one for one in self.all() if email in [mail["value"].lower() for mail in one["neutral"]["emails"]]]
        assert len(found) == 1, f"{len(found)} with {email} in {self.provides}"
        return found[0]

    def all(self):
        return [one for one in self.account.call("GET", "/contacts?limit=1000")["contacts"] if not one["deleted"]]

    def told(self, email):
        return neutral(self.find(email)["neutral"])

    def whole(self, email):
        return without(self.find(email)["native"], self.changes)

    def versions(self):
        return sorted((one["id"], one["modified"]) for one in self.all())

    def authorised(self, customer):
        return customer.authorise(self.provides, self.account)


class Google(Sandboxed):
    provides, provider = "google_contacts", "google"
    changes = ("metadata", "etag", "names", "fileAses")

    def native(self, person):
        def address(kind, place):
            return {"type": kind, "streetAddress": place["street"], "city": place["city"], "region": place["region"],
                    "postalCode": place["zip"], "country": place["country"], "countryCode": place["code"]}

        name = {"honorificPrefix": "Dr.", "givenName": person.first, "middleName": "Augusta", "familyName": person.last, "honorificSuffix": "Jr."}
        year, month, day = BORN
        return {
            "names": [name],
            "nicknames": [{"value": person.nick}],
            "emailAddresses": [{"type": "work", "value": person.email}, {"type": "home", "value": person.private}],
            "phoneNumbers": [{"type": kind, "value": number} for kind, number in PHONES.items()],
            "organizations": [{"name": "Engines Ltd", "department": "Research", "title": "Countess"}],
            "addresses": [address("work", WORK), address("home", HOME)],
            "birthdays": [{"date": {"year": year, "month": month, "day": day}}],
            "urls": [{"type": "work", "value": SITE}],
            "biographies": [{"value": NOTES, "contentType": "TEXT_PLAIN"}],
        }

    def rename(self, email, last):
        found = self.find(email)
        parts = ("honorificPrefix", "givenName", "middleName", "familyName", "honorificSuffix")
        name = {part: text for part, text in found["native"]["names"][0].items() if part in parts}
        self.account.edit(found["id"], {"names": [{**name, "familyName": last}]})


class Creatio(Sandboxed):
    """A site of its own: numbers, addresses, cities and companies are rows beside the contact."""

    provides = provider = "creatio"
    changes = ("ModifiedOn", "Surname", "Name")
    kinds = {
        "e-mail": "ee1c85c3-cfcb-df11-9b2a-001d60e938c6", "work": "3dddb3cc-53ee-49c4-a71f-e9e257f59e49",
        "mobile": "d4a2dc80-30ca-df11-9b2a-001d60e938c6", "home": "0da6a26b-d7bc-df11-b00f-001d60e938c6",
        "web": "6a8ba927-67cc-df11-9b2a-001d60e938c6",
    }  # fmt: skip
    home = "4f8b2d67-71d0-45fb-897e-cd4a308a97c0"

    def __init__(self, sandbox, folder):
        super().__init__(sandbox, folder)
        places = [(entity, place[entity.lower()]) for entity in ("City", "Region", "Country") for place in (WORK, HOME)]
        names = dict.fromkeys([*places, ("Account", "Engines Ltd")])
        self.named = {(entity, name): self.row(entity, {"Name": name}) for entity, name in names}
        self.login = {"server": f"{sandbox}/creatio/{self.account.id}", "user": "sandbox-creatio", "password": "sandbox-creatio-secret"}

    def row(self, entity, row):
        return self.account.action("row", entity=entity, row=row)["id"]

    def enter(self, person):
        year, month, day = BORN
        contact = self.account.add({
            "GivenName": person.first, "MiddleName": "Augusta", "Surname": person.last, "JobTitle": "Countess", "Notes": NOTES,
            "BirthDate": f"{year}-{month:02}-{day:02}T00:00:00Z", "AccountId": self.named["Account", "Engines Ltd"],
        })  # fmt: skip
        numbers = [("e-mail", person.email), ("e-mail", person.private), ("web", SITE), *PHONES.items()]
        for kind, number in numbers:
            row = {"ContactId": contact, "CommunicationTypeId": self.kinds[kind], "Number": number}
            self.row("ContactCommunication", row)
        for place, kind in ((WORK, {"Primary": True}), (HOME, {"AddressTypeId": self.home})):
            places = {f"{entity}Id": self.named[entity, place[entity.lower()]] for entity in ("City", "Region", "Country")}
            self.row("ContactAddress", {"ContactId": contact, "Address": place["street"], "Zip": place["zip"], **kind, **places})

    def whole(self, email):
        found = self.find(email)
        belongings = [
            sorted((without(row, self.changes) for row in self.rows(entity, found["id"])), key=lambda row: row["Id"])
            for entity in ("ContactCommunication", "ContactAddress")
        ]
        return [without(found["native"], self.changes), belongings]

    def rows(self, entity, contact):
        return self.account.action("rows", entity=entity, by="Contact", of=contact)["rows"]

    def rename(self, email, last):
        self.account.edit(self.find(email)["id"], {"Surname": last})

    def authorised(self, customer):
        return customer.post("/v1/accounts", {"provider": "creatio", "login": self.login})["account"]["id"]


class HubSpot(Sandboxed):
    provides = provider = "hubspot"
    changes = ("updatedAt", "lastmodifieddate", "hs_lastmodifieddate", "lastname", "hs_full_name_or_email")

    def native(self, person):
        return {
            "salutation": "Dr.", "firstname": person.first, "lastname": person.last, "email": person.email,
            "phone": PHONES["work"], "mobilephone": PHONES["mobile"], "company": "Engines Ltd", "jobtitle": "Countess",
            "website": SITE, "address": WORK["street"], "city": WORK["city"], "state": WORK["region"], "zip": WORK["zip"],
            "country": WORK["country"],
        }  # fmt: skip

    def rename(self, email, last):
        self.account.edit(self.find(email)["id"], {"lastname": last})


class Mailchimp(Sandboxed):
    provides = provider = "mailchimp"
    changes = ("last_changed", "LNAME", "full_name")

    def native(self, person):
        _, month, day = BORN
        address = {"addr1": WORK["street"], "city": WORK["city"], "state": WORK["region"], "zip": WORK["zip"], "country": WORK["code"]}
        fields = {"FNAME": person.first, "LNAME": person.last, "PHONE": PHONES["work"], "BIRTHDAY": f"{month:02}/{day:02}", "ADDRESS": address}
        return {"email_address": person.email, "status": "subscribed", "merge_fields": fields}

    def rename(self, email, last):
        found = self.find(email)
        self.account.edit(found["id"], {"merge_fields": {**found["native"]["merge_fields"], "LNAME": last}})


class Zoho(Sandboxed):
    provides, provider = "zoho_crm", "zoho"
    changes = ("Modified_Time", "Modified_By", "Last_Activity_Time", "Last_Name", "Full_Name", "$state", "$sales_cadence_id")

    def native(self, person):
        year, month, day = BORN

        def address(kind, place):
            return {f"{kind}_Street": place["street"], f"{kind}_City": place["city"], f"{kind}_State": place["region"],
                    f"{kind}_Zip": place["zip"], f"{kind}_Country": place["country"]}

        return {
            "Salutation": "Dr.", "First_Name": person.first, "Last_Name": person.last, "Email": person.email,
            "Secondary_Email": person.private, "Phone": PHONES["work"], "Mobile": PHONES["mobile"], "Home_Phone": PHONES["home"],
            "Title": "Countess", "Department": "Research", "Date_of_Birth": f"{year}-{month:02}-{day:02}", "Description": NOTES,
            **address("Mailing", WORK), **address("Other", HOME),
        }  # fmt: skip

    def rename(self, email, last):
        self.account.edit(self.find(email)["id"], {"Last_Name": last})


class CardDav(Place):
    """A real server: Radicale."""

    provides = "carddav"

    def __init__(self, sandbox, folder):
        del sandbox
        self.server = DavServer("radicale", folder)
        self.book = DavBook(self.server)

    def enter(self, person):
        def address(kind, place):
            return f"ADR;TYPE={kind}:;;{place['street']};{place['city']};{place['region']};{place['zip']};{place['country']}"

        year, month, day = BORN
        notes = NOTES.replace(",", "\\,").replace("\n", "\\n")
        lines = [
            "BEGIN:VCARD", "VERSION:3.0", f"UID:{person.first}", f"FN:Dr. {person.first} Augusta {person.last} Jr.",
            f"N:{person.last};{person.first};Augusta;Dr.;Jr.", f"NICKNAME:{person.nick}",
            f"EMAIL;TYPE=WORK:{person.email}", f"EMAIL;TYPE=HOME:{person.private}",
            *(f"TEL;TYPE={'CELL' if kind == 'mobile' else kind.upper()}:{number}" for kind, number in PHONES.items()),
            "ORG:Engines Ltd;Research", "TITLE:Countess", address("WORK", WORK), address("HOME", HOME),
            f"BDAY:{year}-{month:02}-{day:02}", f"URL:{SITE}", f"NOTE:{notes}", "X-MINE;X-P=1:keep\\, me", "END:VCARD", "",
        ]  # fmt: skip
        self.book._put(f"{self.server.book}{person.first}.vcf", "\r\n".join(lines), {"If-None-Match": "*"})

    def told(self, email):
        card = vobject.readOne(self.book.find(email)[2])

        def kind(one):
            kinds = [kind.lower() for kind in one.params.get("TYPE", [])]
            return next((word for word in ("cell", "work", "home") if word in kinds), "other").replace("cell", "mobile")

        def text(name):
            return card.contents[name][0].value if name in card.contents else ""

        name, work = card.n.value, text("org") or [""]
        found = {
            "first name": name.given, "last name": name.family, "middle name": name.additional, "prefix": name.prefix,
            "suffix": name.suffix, "nickname": text("nickname"), "company": work[0], "department": (work[1:] or [""])[0],
            "job title": text("title"), "birthday": text("bday").replace("-", "").replace(" ", ""), "website": text("url"),
            "notes": text("note"),
        }  # fmt: skip
        for family, member in (("e-mail", "email"), ("phone", "tel")):
            found |= {f"{family} {kind(one)}": one.value for one in card.contents.get(member, [])}
        for one in card.contents.get("adr", []):
            found[f"address {kind(one)}"] = f"{one.value.street}, {one.value.city}, {one.value.code}"
        return said(found)

    def whole(self, email):
        """The lines of the card, folded ones joined."""
        text = re.sub(r"\r?\n[ \t]", "", self.book.find(email)[2])
        return sorted(line for line in text.splitlines() if not re.match(r"(N|FN|REV|PRODID)[;:]", line))

    def rename(self, email, last):
        path, etag, text = self.book.find(email)
        named = re.sub(r"(?m)^N:[^;]*;", f"N:{last};", text)
        named = re.sub(r"(?m)^(FN:.*)\bKing\b", rf"\g<1>{last}", named)
        assert named != text, text
        self.book._put(path, named, {"If-Match": etag})

    def versions(self):
        return self.book.versions()

    def authorised(self, customer):
        made = customer.post("/v1/accounts", {"provider": "carddav", "login": self.server.login})
        return made["account"]["id"]

    def stop(self):
        self.server.stop()


class OdooTag(Place):
    """A real Odoo. There is one, so each place in it is a tag of its own, and it has no pair with itself."""

    provides = "odoo"
    columns = ("email", "phone", "function", "comment", "street", "street2", "city", "zip", "state_id", "country_id", "website",
               "company_name", "parent_id", "category_id", "ref", "lang", "vat", "user_id", "tz", "barcode", "color", "active")  # fmt: skip

    def __init__(self, sandbox, folder):
        del sandbox, folder
        from odoo import Odoo

        self.odoo = Odoo(f"Everybody {uuid.uuid4()}")

    def enter(self, person):
        [country] = self.odoo.call("res.country", "search", domain=[["code", "=", "GB"]])
        self.odoo.add(
            f"{person.first} Augusta {person.last}", person.email, phone=PHONES["work"], function="Countess", website=SITE,
            comment="<p>{}</p>".format(NOTES.replace("\n", "<br>")), company_name="Engines Ltd", street=WORK["street"],
            city=WORK["city"], zip=WORK["zip"], country_id=country,
        )  # fmt: skip

    def read(self, email):
        id = self.odoo.find(email)["id"]
        [found] = self.odoo.call("res.partner", "read", ids=[id], fields=["name", *self.columns])
        return found

    def told(self, email):
        from odoo import note

        found = self.read(email)
        first, _, last = found["name"].rpartition(" ")
        return said({
            "first name": first, "last name": last, "e-mail work": found["email"], "phone work": found["phone"],
            "job title": found["function"], "notes": note(found["comment"]), "company": found["company_name"],
            "website": found["website"],
            "address work": ", ".join(found[part] or "" for part in ("street", "city", "zip")) if found["street"] else "",
        })  # fmt: skip

    def whole(self, email):
        return without(self.read(email), ("id", "name"))

    def rename(self, email, last):
        found = self.read(email)
        self.odoo.edit(email, name=" ".join([*found["name"].split()[:-1], last]))

    def versions(self):
        return self.odoo.versions()

    def authorised(self, customer):
        made = customer.post("/v1/accounts", {"provider": "odoo", "login": self.odoo.login})
        return made["account"]["id"]

    def side(self, customer):
        return customer.collection(self.authorised(customer), self.odoo.tag)


PLACES = [CardDav, Creatio, Google, HubSpot, Mailchimp, Zoho]
# All pairs of those; where an Odoo is (`./test odoo`), each of them with it too.
PAIRS = list(itertools.combinations_with_replacement(PLACES, 2))
if "SYNCLINE_TEST_ODOO" in os.environ:
    PAIRS += [(place, OdooTag) for place in PLACES]


def neutral(person):
    """The sandbox's neutral words, in those of `told`."""
    day = person["birthday"]
    found = {
        "first name": person["given_name"], "last name": person["family_name"], "middle name": person["middle_name"],
        "prefix": person["prefix"], "suffix": person["suffix"], "nickname": person["nickname"], "company": person["company"],
        "department": person["department"], "job title": person["job_title"], "notes": person["notes"],
        "birthday": f"{day['year'] or '--'}{day['month']:02}{day['day']:02}" if day else "",
        "website": next((one["value"] for one in person["urls"]), ""),
    }  # fmt: skip
    for family, member in (("e-mail", "emails"), ("phone", "phones")):
        found |= {f"{family} {one['label']}": one["value"] for one in person[member]}
    for one in person["addresses"]:
        found[f"address {one['label']}"] = f"{one['street']}, {one['city']}, {one['postal_code']}"
    return said(found)


def said(found):
    """What is filled; numbers by their digits, so that how they are written is no difference."""
    filled = {word: text.strip() for word, text in found.items() if text and text.strip()}
    return {word: re.sub(r"\D", "", text) if word.startswith("phone") else text for word, text in filled.items()}


def without(native, changes):
    """JSON without some members, however deep, and without empty ones."""
    if isinstance(native, dict):
        filled = {name: value for name, value in native.items() if name not in changes and value is not None}
        return {name: without(value, changes) for name, value in filled.items()}
    if isinstance(native, list):
        return [without(value, changes) for value in native]
    return native
