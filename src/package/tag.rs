//! Header tags: one table of numbers, names and types, as rpm's `include/rpm/rpmtag.h` fixes them.
//!
//! A header is read by number; the names are for people and for errors. Only tags that kiln reads or that it must
//! know the type of are here: an unknown tag in a package is kept and ignored, as rpm does.

use std::fmt;

/// The number of a header entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u32);

/// What the values of an entry are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Characters: single bytes.
    Char,
    /// 8-bit numbers.
    Int8,
    /// 16-bit numbers.
    Int16,
    /// 32-bit numbers.
    Int32,
    /// 64-bit numbers.
    Int64,
    /// One string.
    String,
    /// Bytes.
    Binary,
    /// Several strings.
    StringArray,
    /// One string in several languages.
    I18nString,
}

impl Type {
    /// The type of a number in an index entry.
    pub fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            1 => Self::Char,
            2 => Self::Int8,
            3 => Self::Int16,
            4 => Self::Int32,
            5 => Self::Int64,
            6 => Self::String,
            7 => Self::Binary,
            8 => Self::StringArray,
            9 => Self::I18nString,
            _ => return None,
        })
    }

    /// The number in an index entry.
    pub fn number(self) -> u32 {
        match self {
            Self::Char => 1,
            Self::Int8 => 2,
            Self::Int16 => 3,
            Self::Int32 => 4,
            Self::Int64 => 5,
            Self::String => 6,
            Self::Binary => 7,
            Self::StringArray => 8,
            Self::I18nString => 9,
        }
    }

    /// Bytes of one value; values begin at a multiple of it. Strings are as long as they are.
    pub fn width(self) -> usize {
        match self {
            Self::Int16 => 2,
            Self::Int32 => 4,
            Self::Int64 => 8,
            _ => 1,
        }
    }

    /// Whether values are strings. Packages disagree harmlessly about which kind.
    pub fn is_string(self) -> bool {
        matches!(self, Self::String | Self::StringArray | Self::I18nString)
    }
}

macro_rules! tags {
    ($($name:ident = $number:literal $type:ident $text:literal;)*) => {
        impl Tag {
            $(
                #[doc = concat!("`", $text, "`")]
                pub const $name: Self = Self($number);
            )*
        }

        const TABLE: &[(u32, &str, Type)] = &[$(($number, $text, Type::$type)),*];
    };
}

tags! {
    HEADERIMAGE = 61 Binary "Headerimage";
    HEADERSIGNATURES = 62 Binary "Headersignatures";
    HEADERIMMUTABLE = 63 Binary "Headerimmutable";
    HEADERI18NTABLE = 100 StringArray "Headeri18ntable";
    SIGSIZE = 257 Int32 "Sigsize";
    SIGPGP = 259 Binary "Sigpgp";
    SIGMD5 = 261 Binary "Sigmd5";
    SIGGPG = 262 Binary "Siggpg";
    DSAHEADER = 267 Binary "Dsaheader";
    RSAHEADER = 268 Binary "Rsaheader";
    SHA1HEADER = 269 String "Sha1header";
    LONGSIGSIZE = 270 Int64 "Longsigsize";
    LONGARCHIVESIZE = 271 Int64 "Longarchivesize";
    SHA256HEADER = 273 String "Sha256header";
    VERITYSIGNATURES = 276 StringArray "Veritysignatures";
    VERITYSIGNATUREALGO = 277 Int32 "Veritysignaturealgo";
    OPENPGP = 278 StringArray "Openpgp";
    SHA3_256HEADER = 279 String "Sha3_256header";
    NAME = 1000 String "Name";
    VERSION = 1001 String "Version";
    RELEASE = 1002 String "Release";
    EPOCH = 1003 Int32 "Epoch";
    SUMMARY = 1004 I18nString "Summary";
    DESCRIPTION = 1005 I18nString "Description";
    BUILDTIME = 1006 Int32 "Buildtime";
    BUILDHOST = 1007 String "Buildhost";
    INSTALLTIME = 1008 Int32 "Installtime";
    SIZE = 1009 Int32 "Size";
    VENDOR = 1011 String "Vendor";
    LICENSE = 1014 String "License";
    PACKAGER = 1015 String "Packager";
    GROUP = 1016 I18nString "Group";
    SOURCE = 1018 StringArray "Source";
    PATCH = 1019 StringArray "Patch";
    URL = 1020 String "Url";
    OS = 1021 String "Os";
    ARCH = 1022 String "Arch";
    PREIN = 1023 String "Prein";
    POSTIN = 1024 String "Postin";
    PREUN = 1025 String "Preun";
    POSTUN = 1026 String "Postun";
    OLDFILENAMES = 1027 StringArray "Oldfilenames";
    FILESIZES = 1028 Int32 "Filesizes";
    FILESTATES = 1029 Char "Filestates";
    FILEMODES = 1030 Int16 "Filemodes";
    FILERDEVS = 1033 Int16 "Filerdevs";
    FILEMTIMES = 1034 Int32 "Filemtimes";
    FILEDIGESTS = 1035 StringArray "Filedigests";
    FILELINKTOS = 1036 StringArray "Filelinktos";
    FILEFLAGS = 1037 Int32 "Fileflags";
    FILEUSERNAME = 1039 StringArray "Fileusername";
    FILEGROUPNAME = 1040 StringArray "Filegroupname";
    SOURCERPM = 1044 String "Sourcerpm";
    FILEVERIFYFLAGS = 1045 Int32 "Fileverifyflags";
    ARCHIVESIZE = 1046 Int32 "Archivesize";
    PROVIDENAME = 1047 StringArray "Providename";
    REQUIREFLAGS = 1048 Int32 "Requireflags";
    REQUIRENAME = 1049 StringArray "Requirename";
    REQUIREVERSION = 1050 StringArray "Requireversion";
    CONFLICTFLAGS = 1053 Int32 "Conflictflags";
    CONFLICTNAME = 1054 StringArray "Conflictname";
    CONFLICTVERSION = 1055 StringArray "Conflictversion";
    EXCLUDEARCH = 1059 StringArray "Excludearch";
    EXCLUSIVEARCH = 1061 StringArray "Exclusivearch";
    RPMVERSION = 1064 String "Rpmversion";
    TRIGGERSCRIPTS = 1065 StringArray "Triggerscripts";
    TRIGGERNAME = 1066 StringArray "Triggername";
    TRIGGERVERSION = 1067 StringArray "Triggerversion";
    TRIGGERFLAGS = 1068 Int32 "Triggerflags";
    TRIGGERINDEX = 1069 Int32 "Triggerindex";
    VERIFYSCRIPT = 1079 String "Verifyscript";
    CHANGELOGTIME = 1080 Int32 "Changelogtime";
    CHANGELOGNAME = 1081 StringArray "Changelogname";
    CHANGELOGTEXT = 1082 StringArray "Changelogtext";
    PREINPROG = 1085 StringArray "Preinprog";
    POSTINPROG = 1086 StringArray "Postinprog";
    PREUNPROG = 1087 StringArray "Preunprog";
    POSTUNPROG = 1088 StringArray "Postunprog";
    OBSOLETENAME = 1090 StringArray "Obsoletename";
    VERIFYSCRIPTPROG = 1091 StringArray "Verifyscriptprog";
    TRIGGERSCRIPTPROG = 1092 StringArray "Triggerscriptprog";
    COOKIE = 1094 String "Cookie";
    FILEDEVICES = 1095 Int32 "Filedevices";
    FILEINODES = 1096 Int32 "Fileinodes";
    FILELANGS = 1097 StringArray "Filelangs";
    PREFIXES = 1098 StringArray "Prefixes";
    INSTPREFIXES = 1099 StringArray "Instprefixes";
    SOURCEPACKAGE = 1106 Int32 "Sourcepackage";
    PROVIDEFLAGS = 1112 Int32 "Provideflags";
    PROVIDEVERSION = 1113 StringArray "Provideversion";
    OBSOLETEFLAGS = 1114 Int32 "Obsoleteflags";
    OBSOLETEVERSION = 1115 StringArray "Obsoleteversion";
    DIRINDEXES = 1116 Int32 "Dirindexes";
    BASENAMES = 1117 StringArray "Basenames";
    DIRNAMES = 1118 StringArray "Dirnames";
    OPTFLAGS = 1122 String "Optflags";
    PAYLOADFORMAT = 1124 String "Payloadformat";
    PAYLOADCOMPRESSOR = 1125 String "Payloadcompressor";
    PAYLOADFLAGS = 1126 String "Payloadflags";
    INSTALLCOLOR = 1127 Int32 "Installcolor";
    INSTALLTID = 1128 Int32 "Installtid";
    PLATFORM = 1132 String "Platform";
    FILECOLORS = 1140 Int32 "Filecolors";
    FILECLASS = 1141 Int32 "Fileclass";
    CLASSDICT = 1142 StringArray "Classdict";
    FILEDEPENDSX = 1143 Int32 "Filedependsx";
    FILEDEPENDSN = 1144 Int32 "Filedependsn";
    DEPENDSDICT = 1145 Int32 "Dependsdict";
    SOURCESIGMD5 = 1146 Binary "Sourcesigmd5";
    PRETRANS = 1151 String "Pretrans";
    POSTTRANS = 1152 String "Posttrans";
    PRETRANSPROG = 1153 StringArray "Pretransprog";
    POSTTRANSPROG = 1154 StringArray "Posttransprog";
    DISTTAG = 1155 String "Disttag";
    LONGFILESIZES = 5008 Int64 "Longfilesizes";
    LONGSIZE = 5009 Int64 "Longsize";
    FILECAPS = 5010 StringArray "Filecaps";
    FILEDIGESTALGO = 5011 Int32 "Filedigestalgo";
    BUGURL = 5012 String "Bugurl";
    PREINFLAGS = 5020 Int32 "Preinflags";
    POSTINFLAGS = 5021 Int32 "Postinflags";
    PREUNFLAGS = 5022 Int32 "Preunflags";
    POSTUNFLAGS = 5023 Int32 "Postunflags";
    PRETRANSFLAGS = 5024 Int32 "Pretransflags";
    POSTTRANSFLAGS = 5025 Int32 "Posttransflags";
    VERIFYSCRIPTFLAGS = 5026 Int32 "Verifyscriptflags";
    TRIGGERSCRIPTFLAGS = 5027 Int32 "Triggerscriptflags";
    VCS = 5034 String "Vcs";
    ORDERNAME = 5035 StringArray "Ordername";
    ORDERVERSION = 5036 StringArray "Orderversion";
    ORDERFLAGS = 5037 Int32 "Orderflags";
    RECOMMENDNAME = 5046 StringArray "Recommendname";
    RECOMMENDVERSION = 5047 StringArray "Recommendversion";
    RECOMMENDFLAGS = 5048 Int32 "Recommendflags";
    SUGGESTNAME = 5049 StringArray "Suggestname";
    SUGGESTVERSION = 5050 StringArray "Suggestversion";
    SUGGESTFLAGS = 5051 Int32 "Suggestflags";
    SUPPLEMENTNAME = 5052 StringArray "Supplementname";
    SUPPLEMENTVERSION = 5053 StringArray "Supplementversion";
    SUPPLEMENTFLAGS = 5054 Int32 "Supplementflags";
    ENHANCENAME = 5055 StringArray "Enhancename";
    ENHANCEVERSION = 5056 StringArray "Enhanceversion";
    ENHANCEFLAGS = 5057 Int32 "Enhanceflags";
    ENCODING = 5062 String "Encoding";
    FILETRIGGERSCRIPTS = 5066 StringArray "Filetriggerscripts";
    FILETRIGGERSCRIPTPROG = 5067 StringArray "Filetriggerscriptprog";
    FILETRIGGERSCRIPTFLAGS = 5068 Int32 "Filetriggerscriptflags";
    FILETRIGGERNAME = 5069 StringArray "Filetriggername";
    FILETRIGGERINDEX = 5070 Int32 "Filetriggerindex";
    FILETRIGGERVERSION = 5071 StringArray "Filetriggerversion";
    FILETRIGGERFLAGS = 5072 Int32 "Filetriggerflags";
    TRANSFILETRIGGERSCRIPTS = 5076 StringArray "Transfiletriggerscripts";
    TRANSFILETRIGGERSCRIPTPROG = 5077 StringArray "Transfiletriggerscriptprog";
    TRANSFILETRIGGERSCRIPTFLAGS = 5078 Int32 "Transfiletriggerscriptflags";
    TRANSFILETRIGGERNAME = 5079 StringArray "Transfiletriggername";
    TRANSFILETRIGGERINDEX = 5080 Int32 "Transfiletriggerindex";
    TRANSFILETRIGGERVERSION = 5081 StringArray "Transfiletriggerversion";
    TRANSFILETRIGGERFLAGS = 5082 Int32 "Transfiletriggerflags";
    FILETRIGGERPRIORITIES = 5084 Int32 "Filetriggerpriorities";
    TRANSFILETRIGGERPRIORITIES = 5085 Int32 "Transfiletriggerpriorities";
    FILESIGNATURES = 5090 StringArray "Filesignatures";
    FILESIGNATURELENGTH = 5091 Int32 "Filesignaturelength";
    PAYLOADSHA256 = 5092 StringArray "Payloadsha256";
    PAYLOADSHA256ALGO = 5093 Int32 "Payloadsha256algo";
    MODULARITYLABEL = 5096 String "Modularitylabel";
    PAYLOADSHA256ALT = 5097 StringArray "Payloadsha256alt";
    SPEC = 5099 String "Spec";
    PREUNTRANS = 5103 String "Preuntrans";
    POSTUNTRANS = 5104 String "Postuntrans";
    PREUNTRANSPROG = 5105 StringArray "Preuntransprog";
    POSTUNTRANSPROG = 5106 StringArray "Postuntransprog";
    PREUNTRANSFLAGS = 5107 Int32 "Preuntransflags";
    POSTUNTRANSFLAGS = 5108 Int32 "Postuntransflags";
    PAYLOADSIZE = 5112 Int64 "Payloadsize";
    PAYLOADSIZEALT = 5113 Int64 "Payloadsizealt";
    RPMFORMAT = 5114 Int32 "Rpmformat";
    FILEMIMEINDEX = 5115 Int32 "Filemimeindex";
    MIMEDICT = 5116 StringArray "Mimedict";
    PACKAGEDIGESTS = 5118 StringArray "Packagedigests";
    PACKAGEDIGESTALGOS = 5119 Int32 "Packagedigestalgos";
    SOURCENEVR = 5120 String "Sourcenevr";
    PAYLOADSHA512 = 5121 String "Payloadsha512";
    PAYLOADSHA512ALT = 5122 String "Payloadsha512alt";
    PAYLOADSHA3_256 = 5123 String "Payloadsha3_256";
    PAYLOADSHA3_256ALT = 5124 String "Payloadsha3_256alt";
}

impl Tag {
    fn row(self) -> Option<&'static (u32, &'static str, Type)> {
        TABLE.binary_search_by_key(&self.0, |row| row.0).ok().map(|at| &TABLE[at])
    }

    /// The tag of a name, as query formats write it.
    pub fn named(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.1.eq_ignore_ascii_case(name)).map(|row| Self(row.0))
    }

    /// The type that rpm gives to this tag; `None` for a tag that is not in the table.
    pub fn expected(self) -> Option<Type> {
        self.row().map(|row| row.2)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row() {
            Some((number, name, _)) => write!(f, "{name} ({number})"),
            None => write!(f, "tag {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_it_can_be_searched() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(Tag::NAME.to_string(), "Name (1000)");
        assert_eq!(Tag(4999).to_string(), "tag 4999");
    }
}
