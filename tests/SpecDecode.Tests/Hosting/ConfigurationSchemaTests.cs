using System.Reflection;
using System.Text.Json;
using System.Xml.Linq;
using SpecDecode.Drafting;
using SpecDecode.Hosting;
using SpecDecode.Sampling;

namespace SpecDecode.Tests.Hosting;

/// <summary>The JSON schema in the package, the keys that a configuration may have, and the option classes say the same.</summary>
public class ConfigurationSchemaTests
{
    private static readonly string Project = Path.Combine(TestFolders.Fixtures, "..", "..", "..", "src", "SpecDecode");
    private static readonly JsonElement Root = JsonDocument.Parse(File.ReadAllText(Path.Combine(Project, "ConfigurationSchema.json"))).RootElement;
    private static readonly JsonElement Section = Root.GetProperty("properties").GetProperty(SpecDecodeRegistration.DefaultSection);

    // What stands beside the sections goes under this name here.
    private const string Own = "";

    // What belongs to a request alone.
    private static readonly string[] NotConfigured = [nameof(SamplingOptions.ChoiceIndex)];

    public static TheoryData<string> Sections => [Own, .. ConfigurationKeys.Sections.Keys];

    [Fact]
    public void There_are_the_same_sections()
    {
        string[] expected = [.. typeof(SpecDecodeOptions).GetProperties().Select(section => section.Name).Order()];
        Assert.Equal(expected, ConfigurationKeys.Sections.Keys.Concat(ConfigurationKeys.Own.Keys).Order());
        Assert.Equal(expected, Names(Section).Where(name => name != ConfigurationKeys.Models).Order());
        Assert.False(Section.GetProperty("additionalProperties").GetBoolean());
    }

    [Fact]
    public void A_model_by_name_has_the_sections_of_the_one_without()
    {
        JsonElement model = Section.GetProperty("properties").GetProperty(ConfigurationKeys.Models).GetProperty("additionalProperties");
        Assert.False(model.GetProperty("additionalProperties").GetBoolean());
        Assert.Equal(
            Names(Section).Where(name => name != ConfigurationKeys.Models).Select(name => (name, $"#/properties/SpecDecode/properties/{name}")).Order(),
            model.GetProperty("properties").EnumerateObject().Select(entry => (entry.Name, entry.Value.GetProperty("$ref").GetString()!)).Order());
    }

    [Theory]
    [MemberData(nameof(Sections))]
    public void Every_property_has_a_key_and_an_entry_and_there_are_no_others(string section)
    {
        string[] properties = [.. Properties(section).Select(property => property.Name).Order()];
        string[] keys = [.. Keys(section).Keys.Order()];
        string[] entries = [.. Names(Entry(section)).Except(section == Own ? [.. ConfigurationKeys.Sections.Keys, ConfigurationKeys.Models] : []).Order()];
        Assert.True(properties.SequenceEqual(keys), $"{section}: ConfigurationKeys lacks [{Without(properties, keys)}] and has [{Without(keys, properties)}] too much.");
        Assert.True(properties.SequenceEqual(entries), $"{section}: ConfigurationSchema.json lacks [{Without(properties, entries)}] and has [{Without(entries, properties)}] too much.");
        Assert.False(Entry(section).GetProperty("additionalProperties").GetBoolean());
        Assert.NotEqual("", Entry(section).GetProperty("description").GetString());
    }

    [Theory]
    [MemberData(nameof(Sections))]
    public void Kinds_types_and_defaults_are_those_of_the_properties(string section)
    {
        object defaults = Target(section, new SpecDecodeOptions());
        foreach (PropertyInfo property in Properties(section))
        {
            JsonElement entry = Entry(section).GetProperty("properties").GetProperty(property.Name);
            Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
            (OptionKind kind, string json) = type == typeof(string) ? (OptionKind.Text, "string")
                : type == typeof(Precision) ? (OptionKind.Precision, "string")
                : type == typeof(ActivationPrecision) ? (OptionKind.ActivationPrecision, "string")
                : type == typeof(KernelChoice) ? (OptionKind.KernelChoice, "string")
                : type == typeof(KvPrecision) ? (OptionKind.KvPrecision, "string")
                : type == typeof(ComputePrecision) ? (OptionKind.ComputePrecision, "string")
                : type == typeof(KvAdmission) ? (OptionKind.KvAdmission, "string")
                : type == typeof(WeightMemory) ? (OptionKind.WeightMemory, "string")
                : type == typeof(AcceptanceRule) ? (OptionKind.AcceptanceRule, "string")
                : type == typeof(long) ? (OptionKind.Seed, "integer")
                : type == typeof(int) ? (OptionKind.WholeNumber, "integer")
                : type == typeof(float) ? (OptionKind.Number, "number")
                : type == typeof(bool) ? (OptionKind.Flag, "boolean")
                : type == typeof(IReadOnlyList<int>) ? (OptionKind.WholeNumbers, "array")
                : throw new InvalidOperationException($"{section}:{property.Name} is of a type that this test does not know: {type}.");
            Assert.True(kind == Keys(section)[property.Name], $"{section}:{property.Name} is not of the kind that ConfigurationKeys says.");
            Assert.True(json == entry.GetProperty("type").GetString(), $"{section}:{property.Name} is of another type than ConfigurationSchema.json says.");
            Assert.True(entry.GetProperty("description").GetString() is { Length: > 10 }, $"{section}:{property.Name} has no description.");

            // How long drafts are depends on the strategy.
            object? value = property.GetValue(defaults);
            string? expected = value is null or "" or IReadOnlyList<int> || property.Name == nameof(DraftingOptions.DraftLength) ? null
                : type.IsEnum ? $"\"{value.ToString()!.ToLowerInvariant()}\"" : JsonSerializer.Serialize(value, type);
            string? written = entry.TryGetProperty("default", out JsonElement found) ? found.GetRawText() : null;
            Assert.True(expected == written, $"{section}:{property.Name} is {expected ?? "unset"} by default, ConfigurationSchema.json says {written ?? "unset"}.");

            if (kind == OptionKind.WholeNumbers)
            {
                Assert.Equal("integer", entry.GetProperty("items").GetProperty("type").GetString());
            }
        }
    }

    [Theory]
    [MemberData(nameof(Sections))]
    public void Bounds_and_words_are_those_that_are_checked(string section)
    {
        foreach (PropertyInfo property in Properties(section))
        {
            JsonElement entry = Entry(section).GetProperty("properties").GetProperty(property.Name);
            void Check(double number, bool allowed) => Assert.True(
                allowed == IsAllowed(section, property, number), $"{section}:{property.Name} {number}: the schema and the checks differ.");

            if (entry.TryGetProperty("minimum", out JsonElement minimum))
            {
                Check(minimum.GetDouble(), allowed: true);
                Check(minimum.GetDouble() - 1, allowed: false);
            }

            if (entry.TryGetProperty("exclusiveMinimum", out JsonElement exclusive))
            {
                Check(exclusive.GetDouble(), allowed: false);
            }

            if (entry.TryGetProperty("maximum", out JsonElement maximum))
            {
                Check(maximum.GetDouble(), allowed: true);
                Check(maximum.GetDouble() + 1, allowed: false);
            }

            if (property.GetCustomAttribute<BetweenAttribute>() is { } between)
            {
                Assert.True(entry.TryGetProperty("minimum", out _) || entry.TryGetProperty("exclusiveMinimum", out _), $"{section}:{property.Name} has no least.");
                Assert.Equal(between.Most < int.MaxValue, entry.TryGetProperty("maximum", out _));
            }

            if (entry.TryGetProperty("enum", out JsonElement words))
            {
                foreach (string word in words.EnumerateArray().Select(word => word.GetString()!))
                {
                    Assert.True(Parses(property, word) && IsAllowed(section, property, word), $"{section}:{property.Name} may not be '{word}', which ConfigurationSchema.json offers.");
                }

                Assert.False(Parses(property, "no such word") && IsAllowed(section, property, "no such word"));
            }

            if (property.Name == nameof(DraftingOptions.Strategy))
            {
                // All but the one that is given in code.
                Assert.Equal(
                    typeof(DraftingStrategy).GetFields().Select(name => (string?)name.GetRawConstantValue()).Where(name => name != DraftingStrategy.Plan),
                    entry.GetProperty("enum").EnumerateArray().Select(word => word.GetString()));
            }
        }
    }

    [Fact]
    public void The_package_carries_the_schema_and_the_targets_that_name_it()
    {
        XElement segment = XDocument.Load(Path.Combine(Project, "buildTransitive", "SpecDecode.targets")).Descendants("JsonSchemaSegment").Single();
        Assert.Equal(@"$(MSBuildThisFileDirectory)..\..\ConfigurationSchema.json", segment.Attribute("Include")!.Value);
        Assert.Equal(@"appsettings\..*json", segment.Attribute("FilePathPattern")!.Value);
        Dictionary<string, string> packed = XDocument.Load(Path.Combine(Project, "SpecDecode.csproj")).Descendants("None")
            .Where(item => item.Attribute("Pack")?.Value == "true")
            .ToDictionary(item => item.Attribute("Include")!.Value, item => item.Attribute("PackagePath")!.Value);
        Assert.Equal(@"\", packed["ConfigurationSchema.json"]);
        Assert.Equal(@"buildTransitive\$(TargetFramework)\", packed["buildTransitive/SpecDecode.targets"]);
    }

    private static PropertyInfo[] Properties(string section) =>
    [
        .. Target(section, new SpecDecodeOptions()).GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.SetMethod is { IsPublic: true } && !NotConfigured.Contains(property.Name) && !(section == Own && ConfigurationKeys.Sections.ContainsKey(property.Name))),
    ];

    private static object Target(string section, SpecDecodeOptions options) =>
        section == Own ? options : typeof(SpecDecodeOptions).GetProperty(section)!.GetValue(options)!;

    private static System.Collections.Frozen.FrozenDictionary<string, OptionKind> Keys(string section) => section == Own ? ConfigurationKeys.Own : ConfigurationKeys.Sections[section];

    private static JsonElement Entry(string section) => section == Own ? Section : Section.GetProperty("properties").GetProperty(section);

    private static IEnumerable<string> Names(JsonElement entry) => entry.GetProperty("properties").EnumerateObject().Select(property => property.Name);

    private static string Without(IEnumerable<string> these, IEnumerable<string> those) => string.Join(", ", these.Except(those));

    // What is no text is read by the name of its value.
    private static bool Parses(PropertyInfo property, string word) =>
        (Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType) is var type && (!type.IsEnum || Enum.TryParse(type, word.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out _));

    // Whether the options are valid with a value, the others being as they must be for it.
    private static bool IsAllowed(string section, PropertyInfo property, object value)
    {
        SpecDecodeOptions options = new();
        options.Model.Path = "x";
        object target = Target(section, options);
        Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        property.SetValue(target, type.IsEnum ? Enum.Parse(type, ((string)value).Replace("-", "", StringComparison.Ordinal), ignoreCase: true) : Convert.ChangeType(value, type, System.Globalization.CultureInfo.InvariantCulture));
        if (property.Name is nameof(DraftingOptions.Threshold) or nameof(DraftingOptions.Policy))
        {
            // Of a strategy that has one.
            (options.Drafting.Strategy, options.Drafting.ExitLayer) = (DraftingStrategy.EarlyExit, 1);
        }
        else if (options.Drafting.Strategy == DraftingStrategy.EarlyExit)
        {
            options.Drafting.ExitLayer = 1;
        }
        else if (property.Name.StartsWith("Cascade", StringComparison.Ordinal))
        {
            (options.Drafting.Strategy, options.Drafting.ExitLayer, options.Drafting.CascadeExits) = (DraftingStrategy.EarlyExit, 3, [1]);
        }
        else if (options.Drafting.Strategy == DraftingStrategy.LayerSkip)
        {
            options.Drafting.SkipMlp = [1];
        }
        else if (options.Sampling.Acceptance is AcceptanceRule.Rejection or AcceptanceRule.SharedNoise)
        {
            options.Sampling.Temperature = 1;
        }

        return ModelOptionsRules.Validate("", "", options).Succeeded;
    }
}
