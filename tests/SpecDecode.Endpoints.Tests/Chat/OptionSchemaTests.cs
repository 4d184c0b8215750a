using System.Text.Json;
using SpecDecode.AspNetCore;

namespace SpecDecode.Tests.Endpoints;

public sealed class OptionSchemaTests
{
    [Fact]
    public void The_JSON_schema_has_the_options_with_their_defaults()
    {
        JsonElement schema = JsonElement.Parse(File.ReadAllText(Path.Combine(TestFolders.Repository, "src", "SpecDecode.AspNetCore", "ConfigurationSchema.json")))
            .GetProperty("properties").GetProperty(SpecDecodeEndpoints.DefaultSection);
        JsonElement properties = schema.GetProperty("properties");
        Assert.Equal(
            typeof(SpecDecodeEndpointOptions).GetProperties().Select(property => property.Name).Order(StringComparer.Ordinal),
            properties.EnumerateObject().Select(property => property.Name).Order(StringComparer.Ordinal));
        SpecDecodeEndpointOptions defaults = new();
        foreach (JsonProperty property in properties.EnumerateObject().Where(property => property.Value.TryGetProperty("default", out _)))
        {
            object value = typeof(SpecDecodeEndpointOptions).GetProperty(property.Name)!.GetValue(defaults)!;
            JsonElement written = property.Value.GetProperty("default");
            if (value is Enum word)
            {
                Assert.Equal(word.ToString(), written.GetString());
                Assert.Equal(Enum.GetNames(word.GetType()), property.Value.GetProperty("enum").EnumerateArray().Select(name => name.GetString()));
                continue;
            }

            Assert.Equal(Convert.ToString(value, global::System.Globalization.CultureInfo.InvariantCulture)!.ToLowerInvariant(), written.GetRawText());
        }
    }
}
