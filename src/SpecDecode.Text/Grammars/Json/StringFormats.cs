namespace SpecDecode.Grammars.Json;

/// <summary>The formats of texts as regular expressions. Each fits only texts of its format, if not all of them.</summary>
internal static class StringFormats
{
    private const string Year = "(000[1-9]|00[1-9]\\d|0[1-9]\\d\\d|[1-9]\\d{3})";
    private const string LeapYear = "(\\d\\d(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)";
    private const string Date =
        "(" + Year + "-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|1\\d|2[0-8]))|" + LeapYear + "-02-29)";

    // Offsets as they are in use; others are allowed by RFC 3339, and not by all who read it.
    private const string Time = "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,7})?(Z|[+-](0\\d|1[0-3]):[0-5]\\d)";
    private const string Clock = "(\\d{1,6}H(\\d{1,6}M(\\d{1,6}S)?)?|\\d{1,6}M(\\d{1,6}S)?|\\d{1,6}S)";
    private const string Calendar = "(\\d{1,4}Y(\\d{1,4}M(\\d{1,6}D)?)?|\\d{1,4}M(\\d{1,6}D)?|\\d{1,6}D)";
    private const string Label = "[A-Za-z0-9]{1,20}(-[A-Za-z0-9]{1,19}){0,2}";
    private const string Host = Label + "(\\." + Label + "){0,3}";
    private const string MailHost = Label + "(\\." + Label + "){0,2}\\.[A-Za-z]{2,12}";
    private const string LocalPart = "[A-Za-z0-9]{1,20}([._+-][A-Za-z0-9]{1,14}){0,2}";
    private const string Octet = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
    private const string V4 = Octet + "(\\." + Octet + "){3}";
    private const string Group = "[0-9A-Fa-f]{1,4}";
    private const string V6 =
        "((" + Group + ":){7}" + Group + "|(" + Group + ":){1,7}:|(" + Group + ":){1,6}:" + Group + "|(" + Group + ":){1,5}(:" + Group + "){1,2}|("
        + Group + ":){1,4}(:" + Group + "){1,3}|(" + Group + ":){1,3}(:" + Group + "){1,4}|(" + Group + ":){1,2}(:" + Group + "){1,5}|"
        + Group + ":(:" + Group + "){1,6}|:((:" + Group + "){1,7}|:))";
    private const string PathCharacter = "([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})";
    private const string Path = "(/" + PathCharacter + "*)*";
    private const string Query = "(\\?(" + PathCharacter + "|[/?])*)?(#(" + PathCharacter + "|[/?])*)?";
    private const string Uri = "([A-Za-z][A-Za-z0-9+.-]{1,20}://" + Host + "(:[1-9]\\d{0,3})?" + Path + Query + "|urn:[a-z0-9]{2,20}:" + PathCharacter + "+|mailto:" + LocalPart + "@" + MailHost + ")";
    private const string Pointer = "(/([^~/]|~[01])*)*";

    /// <summary>The expression of a format, which the whole text matches; null for one that is not known.</summary>
    public static string? Find(string name) => name switch
    {
        "date" => Date,
        "time" => Time,
        "date-time" => Date + "T" + Time,
        "duration" => "P(" + Calendar + "(T" + Clock + ")?|T" + Clock + "|\\d{1,6}W)",
        "email" or "idn-email" => LocalPart + "@" + MailHost,
        "hostname" or "idn-hostname" => Host,
        "ipv4" => V4,
        "ipv6" => V6,
        "uuid" => "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}",
        "uri" or "iri" => Uri,
        "uri-reference" or "iri-reference" => "(" + Uri + "|" + PathCharacter.Replace(":", "", StringComparison.Ordinal) + "+" + Path + Query + "|/)",
        "uri-template" => Uri,
        "json-pointer" => Pointer,
        "relative-json-pointer" => "(0|[1-9]\\d{0,5})(#|" + Pointer + ")",
        "byte" => "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?",
        _ => null,
    };

    /// <summary>How many bits a format of whole numbers has; null for another format.</summary>
    public static int? IntegerBits(string name) => name switch
    {
        "int8" => 8,
        "int16" => 16,
        "int32" => 32,
        "int64" => 64,
        _ => null,
    };

    /// <summary>Whether a format says nothing of how a value is written.</summary>
    public static bool IsFree(string name) => name is "password" or "binary" or "float" or "double" or "decimal";
}
