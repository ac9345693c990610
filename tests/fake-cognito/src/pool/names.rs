//! People's names in several scripts, so that a generated pool looks like a company
//! and breaks whatever believes that a name is ASCII.

/// How a part of the world writes its names: the name as written, and its form in an account name.
struct Culture {
    locale: &'static str,
    family_first: bool,
    given: [(&'static str, &'static str); 12],
    family: [(&'static str, &'static str); 12],
}

/// A person's name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    pub(crate) given: &'static str,
    pub(crate) family: &'static str,
    pub(crate) given_latin: &'static str,
    pub(crate) family_latin: &'static str,
    pub(crate) locale: &'static str,
    family_first: bool,
}

impl Person {
    /// The name in the order of its language; Chinese, Japanese and Korean write no space.
    pub(crate) fn full(&self) -> String {
        if self.family_first {
            format!("{}{}", self.family, self.given)
        } else {
            format!("{} {}", self.given, self.family)
        }
    }
}

/// The entry that a draw falls on.
pub(crate) fn pick<T: Copy>(table: &[T], draw: u64, otherwise: T) -> T {
    let length = (table.len() as u64).max(1);
    table
        .get((draw % length) as usize)
        .copied()
        .unwrap_or(otherwise)
}

/// The person that a draw stands for.
pub(crate) fn person(draw: u64) -> Person {
    let culture = pick(
        &[
            &ENGLISH, &GERMAN, &JAPANESE, &ENGLISH, &ARABIC, &SPANISH, &FRENCH, &CHINESE, &HINDI,
            &RUSSIAN, &TURKISH, &HEBREW, &KOREAN, &GREEK, &GERMAN, &JAPANESE,
        ],
        draw,
        &ENGLISH,
    );
    let (given, given_latin) = pick(&culture.given, draw >> 8, ("Ada", "ada"));
    let (family, family_latin) = pick(&culture.family, draw >> 24, ("Byron", "byron"));
    Person {
        given,
        family,
        given_latin,
        family_latin,
        locale: culture.locale,
        family_first: culture.family_first,
    }
}

static ENGLISH: Culture = Culture {
    locale: "en-US",
    family_first: false,
    given: [
        ("Grace", "grace"),
        ("Oliver", "oliver"),
        ("Amelia", "amelia"),
        ("Jack", "jack"),
        ("Chloe", "chloe"),
        ("Samuel", "samuel"),
        ("Ruby", "ruby"),
        ("Thomas", "thomas"),
        ("Evelyn", "evelyn"),
        ("Siobhán", "siobhan"),
        ("Marcus", "marcus"),
        ("Hazel", "hazel"),
    ],
    family: [
        ("Walker", "walker"),
        ("O'Neill", "oneill"),
        ("Bennett", "bennett"),
        ("Hughes", "hughes"),
        ("Carter-Reid", "carter-reid"),
        ("Patterson", "patterson"),
        ("Brooks", "brooks"),
        ("MacLeod", "macleod"),
        ("Turner", "turner"),
        ("Fletcher", "fletcher"),
        ("Okafor", "okafor"),
        ("Ward", "ward"),
    ],
};

static GERMAN: Culture = Culture {
    locale: "de-DE",
    family_first: false,
    given: [
        ("Jürgen", "juergen"),
        ("Anneliese", "anneliese"),
        ("Björn", "bjoern"),
        ("Käthe", "kaethe"),
        ("Lukas", "lukas"),
        ("Johanna", "johanna"),
        ("Matthias", "matthias"),
        ("Sören", "soeren"),
        ("Friederike", "friederike"),
        ("Uwe", "uwe"),
        ("Heike", "heike"),
        ("Emil", "emil"),
    ],
    family: [
        ("Müller", "mueller"),
        ("Weiß", "weiss"),
        ("Schäfer", "schaefer"),
        ("Köhler", "koehler"),
        ("Hoffmann", "hoffmann"),
        ("Groß", "gross"),
        ("Lehmann", "lehmann"),
        ("Jäger", "jaeger"),
        ("Vogt", "vogt"),
        ("Brandt", "brandt"),
        ("Böhm", "boehm"),
        ("Krämer", "kraemer"),
    ],
};

static JAPANESE: Culture = Culture {
    locale: "ja-JP",
    family_first: true,
    given: [
        ("さくら", "sakura"),
        ("翔太", "shota"),
        ("美咲", "misaki"),
        ("健一", "kenichi"),
        ("ひなた", "hinata"),
        ("蓮", "ren"),
        ("陽菜", "hina"),
        ("大輔", "daisuke"),
        ("千尋", "chihiro"),
        ("アリス", "arisu"),
        ("直樹", "naoki"),
        ("結衣", "yui"),
    ],
    family: [
        ("佐藤", "sato"),
        ("鈴木", "suzuki"),
        ("高橋", "takahashi"),
        ("田中", "tanaka"),
        ("渡辺", "watanabe"),
        ("伊藤", "ito"),
        ("山本", "yamamoto"),
        ("中村", "nakamura"),
        ("小林", "kobayashi"),
        ("加藤", "kato"),
        ("吉田", "yoshida"),
        ("斎藤", "saito"),
    ],
};

static ARABIC: Culture = Culture {
    locale: "ar-EG",
    family_first: false,
    given: [
        ("ليلى", "layla"),
        ("أحمد", "ahmed"),
        ("فاطمة", "fatima"),
        ("يوسف", "yusuf"),
        ("مريم", "maryam"),
        ("خالد", "khalid"),
        ("نور", "nour"),
        ("طارق", "tariq"),
        ("سلمى", "salma"),
        ("حسن", "hassan"),
        ("زينب", "zaynab"),
        ("عمر", "omar"),
    ],
    family: [
        ("حداد", "haddad"),
        ("المصري", "elmasry"),
        ("النجار", "alnajjar"),
        ("منصور", "mansour"),
        ("الخطيب", "alkhatib"),
        ("سليمان", "soliman"),
        ("فارس", "fares"),
        ("الحسن", "alhassan"),
        ("عبدالله", "abdallah"),
        ("صالح", "saleh"),
        ("ناصر", "nasser"),
        ("قاسم", "qasim"),
    ],
};

static SPANISH: Culture = Culture {
    locale: "es-ES",
    family_first: false,
    given: [
        ("José", "jose"),
        ("Lucía", "lucia"),
        ("Andrés", "andres"),
        ("Inés", "ines"),
        ("Mateo", "mateo"),
        ("Begoña", "begona"),
        ("Raúl", "raul"),
        ("Ximena", "ximena"),
        ("Joaquín", "joaquin"),
        ("Pilar", "pilar"),
        ("Óscar", "oscar"),
        ("Marisol", "marisol"),
    ],
    family: [
        ("García", "garcia"),
        ("Núñez", "nunez"),
        ("Ibáñez", "ibanez"),
        ("Castillo", "castillo"),
        ("Muñoz", "munoz"),
        ("Herrera", "herrera"),
        ("Peña", "pena"),
        ("Vidal", "vidal"),
        ("Cordero", "cordero"),
        ("Rojas", "rojas"),
        ("Gutiérrez", "gutierrez"),
        ("Salazar", "salazar"),
    ],
};

static FRENCH: Culture = Culture {
    locale: "fr-FR",
    family_first: false,
    given: [
        ("Zoé", "zoe"),
        ("François", "francois"),
        ("Hélène", "helene"),
        ("Loïc", "loic"),
        ("Océane", "oceane"),
        ("Rémi", "remi"),
        ("Aurélie", "aurelie"),
        ("Benoît", "benoit"),
        ("Maëlle", "maelle"),
        ("Théo", "theo"),
        ("Gisèle", "gisele"),
        ("Yann", "yann"),
    ],
    family: [
        ("Lefèvre", "lefevre"),
        ("D'Arcy", "darcy"),
        ("Béranger", "beranger"),
        ("Rousseau", "rousseau"),
        ("Gauthier", "gauthier"),
        ("Chevalier", "chevalier"),
        ("Noël", "noel"),
        ("Perrin", "perrin"),
        ("Delaunay", "delaunay"),
        ("Marchand", "marchand"),
        ("Faure", "faure"),
        ("Garçon", "garcon"),
    ],
};

static CHINESE: Culture = Culture {
    locale: "zh-CN",
    family_first: true,
    given: [
        ("伟", "wei"),
        ("芳", "fang"),
        ("秀英", "xiuying"),
        ("建国", "jianguo"),
        ("晓明", "xiaoming"),
        ("丽", "li"),
        ("静", "jing"),
        ("浩然", "haoran"),
        ("雨桐", "yutong"),
        ("子涵", "zihan"),
        ("志强", "zhiqiang"),
        ("梅", "mei"),
    ],
    family: [
        ("王", "wang"),
        ("李", "li"),
        ("张", "zhang"),
        ("刘", "liu"),
        ("陈", "chen"),
        ("杨", "yang"),
        ("黄", "huang"),
        ("赵", "zhao"),
        ("欧阳", "ouyang"),
        ("徐", "xu"),
        ("孙", "sun"),
        ("诸葛", "zhuge"),
    ],
};

static HINDI: Culture = Culture {
    locale: "hi-IN",
    family_first: false,
    given: [
        ("आरव", "aarav"),
        ("प्रिया", "priya"),
        ("रोहन", "rohan"),
        ("अनन्या", "ananya"),
        ("विक्रम", "vikram"),
        ("दीपिका", "deepika"),
        ("अर्जुन", "arjun"),
        ("सीता", "sita"),
        ("कबीर", "kabir"),
        ("मीरा", "meera"),
        ("संजय", "sanjay"),
        ("नेहा", "neha"),
    ],
    family: [
        ("शर्मा", "sharma"),
        ("पटेल", "patel"),
        ("गुप्ता", "gupta"),
        ("सिंह", "singh"),
        ("अय्यर", "iyer"),
        ("मेहता", "mehta"),
        ("राव", "rao"),
        ("चौधरी", "chaudhary"),
        ("जोशी", "joshi"),
        ("नायर", "nair"),
        ("कुमार", "kumar"),
        ("बोस", "bose"),
    ],
};

static RUSSIAN: Culture = Culture {
    locale: "ru-RU",
    family_first: false,
    given: [
        ("Наталья", "natalya"),
        ("Дмитрий", "dmitry"),
        ("Ольга", "olga"),
        ("Сергей", "sergey"),
        ("Екатерина", "ekaterina"),
        ("Алёна", "alyona"),
        ("Михаил", "mikhail"),
        ("Юлия", "yulia"),
        ("Пётр", "pyotr"),
        ("Вера", "vera"),
        ("Илья", "ilya"),
        ("Татьяна", "tatyana"),
    ],
    family: [
        ("Иваненко", "ivanenko"),
        ("Соколов", "sokolov"),
        ("Лебедева", "lebedeva"),
        ("Королёв", "korolyov"),
        ("Морозова", "morozova"),
        ("Жуков", "zhukov"),
        ("Орлова", "orlova"),
        ("Щербак", "shcherbak"),
        ("Волкова", "volkova"),
        ("Чехов", "chekhov"),
        ("Зайцева", "zaytseva"),
        ("Белый", "bely"),
    ],
};

static TURKISH: Culture = Culture {
    locale: "tr-TR",
    family_first: false,
    given: [
        ("Işıl", "isil"),
        ("Mehmet", "mehmet"),
        ("Ayşe", "ayse"),
        ("Çağlar", "caglar"),
        ("Gülşen", "gulsen"),
        ("Emre", "emre"),
        ("Şebnem", "sebnem"),
        ("İbrahim", "ibrahim"),
        ("Zeynep", "zeynep"),
        ("Ömer", "omer"),
        ("Defne", "defne"),
        ("Kerem", "kerem"),
    ],
    family: [
        ("Yılmaz", "yilmaz"),
        ("Öztürk", "ozturk"),
        ("Çelik", "celik"),
        ("Aydın", "aydin"),
        ("Şahin", "sahin"),
        ("Demir", "demir"),
        ("Güneş", "gunes"),
        ("Kılıç", "kilic"),
        ("Arslan", "arslan"),
        ("Doğan", "dogan"),
        ("Koç", "koc"),
        ("Erdoğdu", "erdogdu"),
    ],
};

static HEBREW: Culture = Culture {
    locale: "he-IL",
    family_first: false,
    given: [
        ("נועה", "noa"),
        ("דוד", "david"),
        ("תמר", "tamar"),
        ("יונתן", "yonatan"),
        ("שירה", "shira"),
        ("איתן", "eitan"),
        ("מאיה", "maya"),
        ("אורי", "uri"),
        ("רחל", "rachel"),
        ("עידו", "ido"),
        ("יעל", "yael"),
        ("משה", "moshe"),
    ],
    family: [
        ("כהן", "cohen"),
        ("לוי", "levi"),
        ("מזרחי", "mizrahi"),
        ("פרץ", "peretz"),
        ("ביטון", "biton"),
        ("אברהם", "avraham"),
        ("פרידמן", "friedman"),
        ("שפירא", "shapira"),
        ("אדלר", "adler"),
        ("רוזן", "rosen"),
        ("דהן", "dahan"),
        ("קפלן", "kaplan"),
    ],
};

static KOREAN: Culture = Culture {
    locale: "ko-KR",
    family_first: true,
    given: [
        ("서연", "seoyeon"),
        ("민준", "minjun"),
        ("지우", "jiwoo"),
        ("하은", "haeun"),
        ("도윤", "doyun"),
        ("수빈", "subin"),
        ("현우", "hyunwoo"),
        ("예린", "yerin"),
        ("준호", "junho"),
        ("은지", "eunji"),
        ("성민", "seongmin"),
        ("유나", "yuna"),
    ],
    family: [
        ("김", "kim"),
        ("이", "lee"),
        ("박", "park"),
        ("최", "choi"),
        ("정", "jung"),
        ("강", "kang"),
        ("조", "cho"),
        ("윤", "yoon"),
        ("장", "jang"),
        ("임", "lim"),
        ("한", "han"),
        ("남궁", "namgung"),
    ],
};

static GREEK: Culture = Culture {
    locale: "el-GR",
    family_first: false,
    given: [
        ("Ελένη", "eleni"),
        ("Γιώργος", "giorgos"),
        ("Σοφία", "sofia"),
        ("Νίκος", "nikos"),
        ("Δήμητρα", "dimitra"),
        ("Κώστας", "kostas"),
        ("Ιωάννα", "ioanna"),
        ("Χρήστος", "christos"),
        ("Αθηνά", "athina"),
        ("Πέτρος", "petros"),
        ("Ζωή", "zoi"),
        ("Λευτέρης", "lefteris"),
    ],
    family: [
        ("Παπαδάκης", "papadakis"),
        ("Γεωργίου", "georgiou"),
        ("Νικολάου", "nikolaou"),
        ("Αντωνίου", "antoniou"),
        ("Μακρής", "makris"),
        ("Οικονόμου", "oikonomou"),
        ("Δημητρίου", "dimitriou"),
        ("Κωνσταντίνου", "konstantinou"),
        ("Βασιλείου", "vasileiou"),
        ("Ιωαννίδης", "ioannidis"),
        ("Καραγιάννης", "karagiannis"),
        ("Σαμαράς", "samaras"),
    ],
};
