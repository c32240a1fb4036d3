//! The word lists invented people are made of. All domains end in `.example`.

/// Names, places and number formats that go together.
pub struct Culture {
    /// Country, in English.
    pub country: &'static str,
    /// ISO 3166-1 alpha-2.
    pub country_code: &'static str,
    /// Given names.
    pub given: &'static [&'static str],
    /// Family names.
    pub family: &'static [&'static str],
    /// Street names.
    pub streets: &'static [&'static str],
    /// City, region, postal code.
    pub places: &'static [(&'static str, &'static str, &'static str)],
    /// International number; `#` is a digit.
    pub phone: &'static str,
    /// The same within the country.
    pub phone_national: &'static str,
    /// Whether the house number comes first.
    pub number_first: bool,
}

/// The United States; also the fallback.
pub const ENGLISH: Culture = Culture {
    country: "United States",
    country_code: "US",
    given: &[
        "James", "Mary", "Robert", "Patricia", "Olivia", "Liam", "Emma", "Noah", "Ava", "Ethan",
        "Grace", "Henry",
    ],
    family: &[
        "Smith",
        "Johnson",
        "O'Brien",
        "Miller",
        "Davis",
        "Anderson",
        "McDonald",
        "Taylor-Reed",
        "Nguyen",
        "Washington",
    ],
    streets: &[
        "Maple Avenue",
        "Oak Street",
        "Main Street",
        "2nd Street",
        "Lakeview Drive",
        "Market Street",
    ],
    places: &[
        ("Austin", "TX", "78701"),
        ("Portland", "OR", "97205"),
        ("Boston", "MA", "02110"),
        ("Denver", "CO", "80202"),
    ],
    phone: "+1 512-555-01##",
    phone_national: "(512) 555-01##",
    number_first: true,
};

/// All cultures.
pub const CULTURES: &[Culture] = &[
    ENGLISH,
    Culture {
        country: "United Kingdom",
        country_code: "GB",
        given: &[
            "Oliver", "Amelia", "George", "Isla", "Siân", "Rhys", "Niamh", "Callum", "Freya",
            "Alfie",
        ],
        family: &[
            "Jones",
            "Williams",
            "Fitzgerald",
            "ap Rhys",
            "MacLeod",
            "Whitfield",
            "St. John",
            "Okafor",
            "Patel",
            "Hughes",
        ],
        streets: &[
            "High Street",
            "Church Lane",
            "Station Road",
            "Victoria Terrace",
            "Mill Lane",
        ],
        places: &[
            ("London", "", "SW1A 1AA"),
            ("Leeds", "West Yorkshire", "LS1 4AP"),
            ("Cardiff", "", "CF10 1EP"),
            ("Edinburgh", "", "EH1 1YZ"),
        ],
        phone: "+44 7700 900###",
        phone_national: "07700 900###",
        number_first: true,
    },
    Culture {
        country: "Germany",
        country_code: "DE",
        given: &[
            "Jürgen",
            "Anna",
            "Björn",
            "Käthe",
            "Lukas",
            "Mia",
            "Hans-Peter",
            "Sophie",
            "Özlem",
            "Friedrich",
        ],
        family: &[
            "Müller",
            "Schäfer",
            "von der Heide",
            "Groß",
            "Weiß",
            "Schmidt",
            "Yılmaz",
            "Becker",
            "Meyer-Lüdenscheidt",
            "Krüger",
        ],
        streets: &[
            "Hauptstraße",
            "Gartenweg",
            "Lindenallee",
            "Bahnhofstraße",
            "Am Markt",
        ],
        places: &[
            ("Berlin", "Berlin", "10115"),
            ("München", "Bayern", "80331"),
            ("Köln", "NRW", "50667"),
            ("Görlitz", "Sachsen", "02826"),
        ],
        phone: "+49 30 2312 5###",
        phone_national: "030 23125###",
        number_first: false,
    },
    Culture {
        country: "France",
        country_code: "FR",
        given: &[
            "Chloé",
            "Jean-Luc",
            "Zoë",
            "François",
            "Anaïs",
            "Théo",
            "Inès",
            "Hélène",
            "Rémi",
            "Léa",
        ],
        family: &[
            "Dupont",
            "Lefèvre",
            "d'Aubigné",
            "Moreau",
            "Garçon",
            "Le Goff",
            "Benoît",
            "Traoré",
            "Roux",
            "Châtelain",
        ],
        streets: &[
            "rue de la Paix",
            "avenue Foch",
            "boulevard Voltaire",
            "quai des Brumes",
            "place de l'Église",
        ],
        places: &[
            ("Paris", "Île-de-France", "75002"),
            ("Lyon", "", "69001"),
            ("Nîmes", "Gard", "30000"),
            ("Brest", "Bretagne", "29200"),
        ],
        phone: "+33 1 99 00 ## ##",
        phone_national: "01 99 00 ## ##",
        number_first: true,
    },
    Culture {
        country: "Ukraine",
        country_code: "UA",
        given: &[
            "Олена",
            "Тарас",
            "Оксана",
            "Богдан",
            "Iryna",
            "Andriy",
            "Соломія",
            "Юрій",
        ],
        family: &[
            "Шевченко",
            "Коваленко",
            "Бондар",
            "Ткаченко",
            "Kravchenko",
            "Мельник",
            "Сковорода",
        ],
        streets: &[
            "вул. Хрещатик",
            "вул. Лесі Українки",
            "просп. Свободи",
            "вул. Садова",
        ],
        places: &[
            ("Київ", "", "01001"),
            ("Львів", "Львівська область", "79000"),
            ("Odesa", "", "65000"),
        ],
        phone: "+380 44 200 0###",
        phone_national: "044 200 0###",
        number_first: false,
    },
    Culture {
        country: "Japan",
        country_code: "JP",
        given: &[
            "花子",
            "太郎",
            "さくら",
            "健",
            "Yuki",
            "Haruto",
            "美咲",
            "蓮",
        ],
        family: &["山田", "佐藤", "鈴木", "高橋", "Tanaka", "渡辺", "伊藤"],
        streets: &["丸の内1丁目", "桜通り", "中央2丁目", "Sakura-dori"],
        places: &[
            ("東京", "東京都", "100-0005"),
            ("大阪市", "大阪府", "530-0001"),
            ("Kyoto", "Kyoto", "600-8216"),
        ],
        phone: "+81 3-5555-0###",
        phone_national: "03-5555-0###",
        number_first: false,
    },
    Culture {
        country: "India",
        country_code: "IN",
        given: &[
            "Aarav",
            "Priya",
            "Rohan",
            "Ananya",
            "विजय",
            "Lakshmi",
            "Sunita",
            "Arjun",
            "Kavya",
        ],
        family: &[
            "Sharma",
            "Iyer",
            "Patel",
            "Reddy",
            "Kumar",
            "Venkataraman",
            "Singh",
            "Das",
        ],
        streets: &["MG Road", "Park Street", "Nehru Nagar", "Anna Salai"],
        places: &[
            ("Chennai", "Tamil Nadu", "600002"),
            ("Mumbai", "Maharashtra", "400001"),
            ("Bengaluru", "Karnataka", "560001"),
        ],
        phone: "+91 98400 00###",
        phone_national: "098400 00###",
        number_first: true,
    },
    Culture {
        country: "Brazil",
        country_code: "BR",
        given: &[
            "João",
            "Beatriz",
            "Antônio",
            "Conceição",
            "Thiago",
            "Luíza",
            "Caetano",
            "Márcia",
        ],
        family: &[
            "da Silva",
            "dos Santos",
            "Gonçalves",
            "Araújo",
            "Oliveira",
            "Conceição",
            "e Souza",
        ],
        streets: &[
            "Rua das Flores",
            "Avenida Paulista",
            "Rua São João",
            "Travessa do Sol",
        ],
        places: &[
            ("São Paulo", "SP", "01310-100"),
            ("Brasília", "DF", "70040-010"),
            ("Salvador", "BA", "40020-000"),
        ],
        phone: "+55 11 95555-0###",
        phone_national: "(11) 95555-0###",
        number_first: false,
    },
    Culture {
        country: "Egypt",
        country_code: "EG",
        given: &["محمد", "فاطمة", "Ahmed", "Layla", "يوسف", "Nour", "Omar"],
        family: &[
            "حسن",
            "El-Sayed",
            "عبد الرحمن",
            "Mansour",
            "Al-Masri",
            "إبراهيم",
        ],
        streets: &["شارع التحرير", "Corniche El Nil", "شارع طلعت حرب"],
        places: &[("القاهرة", "", "11511"), ("Alexandria", "", "21500")],
        phone: "+20 2 2555 0###",
        phone_national: "02 25550###",
        number_first: true,
    },
    Culture {
        country: "Netherlands",
        country_code: "NL",
        given: &["Sanne", "Daan", "Fleur", "Joris", "Noël", "Maaike", "Thijs"],
        family: &[
            "de Vries",
            "van den Berg",
            "'t Hooft",
            "Jansen",
            "van 't Hof",
            "IJsselstein",
            "Bakker",
        ],
        streets: &["Keizersgracht", "Dorpsstraat", "Kerkweg", "Lange Voorhout"],
        places: &[
            ("Amsterdam", "Noord-Holland", "1015 CJ"),
            ("Utrecht", "", "3511 AB"),
            ("'s-Hertogenbosch", "Noord-Brabant", "5211 AA"),
        ],
        phone: "+31 20 555 0###",
        phone_national: "020-5550###",
        number_first: false,
    },
];

/// First words of companies.
pub const COMPANY_FIRST: &[&str] = &[
    "Northwind",
    "Blue Fjord",
    "Kowalski & Söhne",
    "Acme",
    "Bright",
    "Redwood",
    "Café Central",
    "Sol y Mar",
    "Iron Gate",
    "Ärzte am Park",
];
/// Last words of companies.
pub const COMPANY_LAST: &[&str] = &[
    "Ltd",
    "GmbH",
    "Logistics",
    "Consulting, Inc.",
    "Partners LLP",
    "S.A.",
    "Studio",
    "Works",
    "Foods",
    "& Co. KG",
];
/// Job titles.
pub const TITLES: &[&str] = &[
    "Account Manager",
    "CEO",
    "Head of Purchasing",
    "Software Engineer",
    "Geschäftsführerin",
    "Nurse",
    "Sales Representative",
    "VP, Marketing",
    "Architect",
    "Office Manager",
    "Directrice financière",
    "Owner",
];
/// Departments.
pub const DEPARTMENTS: &[&str] = &[
    "Sales",
    "Purchasing",
    "R&D",
    "Human Resources",
    "Einkauf",
    "IT",
    "Legal",
];
/// Nicknames.
pub const NICKNAMES: &[&str] = &["Bobby", "Mimi", "Chief", "Buzz", "Katze", "Ace", "The Doc"];
/// Sentences for notes.
pub const NOTES: &[&str] = &[
    "Met at the trade fair; wants the spring catalogue.",
    "Prefers e-mail. Do not call before 10:00.",
    "Allergic to nuts, vegetarian; partner of \"Sam\".",
    "Kennengelernt in Köln – Rückruf nach Ostern.",
    "Invoice to head office; PO number needed; see contract §4.2 <draft>.",
    "Très bon client depuis 2011 😀",
    "Line one\nLine two\n\tindented",
];
/// Domains of workplaces.
pub const DOMAINS_WORK: &[&str] = &[
    "northwind.example",
    "bluefjord.example",
    "acme.example",
    "irongate.example",
    "cafe-central.example",
];
/// Domains of private mail.
pub const DOMAINS_HOME: &[&str] = &["mail.example", "post.example", "inbox.example"];

/// The ASCII letters of a name, in lower case; `contact` when it has none.
pub fn ascii(name: &str) -> String {
    let letters: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_lowercase();
    if letters.is_empty() {
        "contact".to_owned()
    } else {
        letters
    }
}
