using System.Text.Json;
using SpecDecode.Grammars;

namespace SpecDecode.Tests.Grammars;

/// <summary>Each keyword of JSON Schema by itself: what fits and what does not, as the schema package says too.</summary>
public sealed class GrammarKeywordTests
{
    private static readonly JsonGrammarOptions Wide = new()
    {
        AllowUnlistedProperties = true, PropertyOrder = JsonPropertyOrder.Free, AllowExponents = true, MaxIntegerDigits = 30, MaxFractionDigits = 20,
    };

    [Theory]
    [InlineData("""{"type":"integer"}""", "[0,1,-12]", """[1.5,"1",null,[],{},true]""")]
    [InlineData("""{"type":"number"}""", "[0,1.5,-2,1e5]", """["1",null,[]]""")]
    [InlineData("""{"type":["string","null"]}""", """["","a",null]""", "[1,true]")]
    [InlineData("""{"type":"boolean"}""", "[true,false]", "[0,null]")]
    [InlineData("""{"enum":["a",1,null,[1],{"b":2}]}""", """["a",1,null,[1],{"b":2}]""", """["b",2,[],[2],{}]""")]
    [InlineData("""{"const":{"a":[1,2]}}""", """[{"a":[1,2]}]""", """[{"a":[1]},{},null]""")]
    [InlineData("""{"enum":[1,5,9,"x"],"minimum":4}""", """[5,9,"x"]""", "[1]")]
    [InlineData("""{"minimum":-3.5,"maximum":12}""", """[-3.5,-3,0,11.99,12,"x",null]""", "[-3.6,-4,12.01,13,100]")]
    [InlineData("""{"type":"integer","minimum":-3.5,"maximum":12}""", "[-3,0,12]", "[-4,13]")]
    [InlineData("""{"exclusiveMinimum":0,"exclusiveMaximum":1}""", "[0.001,0.5,0.9999]", "[0,1,-0.1,1.1]")]
    [InlineData("""{"type":"integer","minimum":99,"maximum":1001}""", "[99,100,999,1000,1001]", "[98,1002,9,10000]")]
    [InlineData("""{"minimum":100}""", "[100,100.5,12345]", "[99.9,1,-100,99]")]
    [InlineData("""{"maximum":-20}""", "[-20,-20.5,-100]", "[-19.9,0,20]")]
    [InlineData("""{"type":"integer","multipleOf":3}""", "[0,3,-9,123]", "[1,4,-1]")]
    [InlineData("""{"multipleOf":0.25,"minimum":0,"maximum":3}""", "[0,0.25,1.5,3,2.75]", "[0.3,1.1,3.25]")]
    [InlineData("""{"multipleOf":4,"allOf":[{"multipleOf":6}]}""", "[12,24,0]", "[4,6,8,18]")]
    [InlineData("""{"minLength":2,"maxLength":3}""", """["ab","abc","日本","😀😀",5]""", """["","a","abcd","😀"]""")]
    [InlineData("""{"type":"string","pattern":"b+c"}""", """["abbc","bcx"]""", """["","ac","b"]""")]
    [InlineData("""{"type":"string","pattern":"^a\"\\\\d$"}""", """["a\"\\d"]""", """["a"]""")]
    [InlineData("""{"type":"string","pattern":"^[a-z]+$","maxLength":3}""", """["a","abc"]""", """["","abcd","A"]""")]
    [InlineData("""{"minItems":1,"maxItems":2}""", """[[1],[1,"a"],"x"]""", "[[],[1,2,3]]")]
    [InlineData("""{"items":{"type":"integer"}}""", """[[],[1,2],"x"]""", """[["a"],[1,null]]""")]
    [InlineData("""{"prefixItems":[{"type":"integer"},{"type":"string"}],"items":{"type":"null"}}""", """[[],[1],[1,"a"],[1,"a",null]]""", """[["a"],[1,2],[1,"a",1]]""")]
    [InlineData("""{"prefixItems":[true],"items":false}""", """[[],["x"]]""", "[[1,2]]")]
    [InlineData("""{"prefixItems":[true,true],"minItems":2,"maxItems":3}""", "[[1,2],[1,2,3]]", "[[1],[1,2,3,4]]")]
    [InlineData("""{"properties":{"a":{"type":"integer"},"b":{"type":"string"}}}""", """[{},{"a":1},{"b":"x","a":2},{"c":[]}]""", """[{"a":"x"},{"a":1,"b":2}]""")]
    [InlineData("""{"required":["a","b"]}""", """[{"a":1,"b":2},{"b":1,"c":0,"a":1},"x"]""", """[{},{"a":1}]""")]
    [InlineData("""{"properties":{"a":{}},"additionalProperties":false}""", """[{},{"a":null}]""", """[{"b":1},{"a":1,"b":1}]""")]
    [InlineData("""{"properties":{"a":{}},"additionalProperties":{"type":"integer"}}""", """[{"a":"x","b":1}]""", """[{"b":"x"}]""")]
    [InlineData("""{"patternProperties":{"^x":{"type":"integer"},"y$":{"minimum":5}}}""", """[{},{"x1":1},{"xy":6},{"q":"z"},{"ay":"s"}]""", """[{"x1":"a"},{"xy":1},{"xy":"s"},{"ay":4}]""")]
    [InlineData("""{"patternProperties":{"^x":{"type":"integer"}},"additionalProperties":false}""", """[{},{"x":1}]""", """[{"y":1}]""")]
    [InlineData("""{"propertyNames":{"maxLength":2}}""", """[{},{"ab":1}]""", """[{"abc":1}]""")]
    [InlineData("""{"properties":{"foo":{"type":"integer"}},"patternProperties":{"^f":{"minimum":3}}}""", """[{"foo":3}]""", """[{"foo":1},{"foo":"a"}]""")]
    [InlineData("""{"allOf":[{"properties":{"a":{"minimum":2}}},{"properties":{"a":{"maximum":4}}}]}""", """[{"a":3},{"a":"s"}]""", """[{"a":1},{"a":5}]""")]
    [InlineData("""{"anyOf":[{"type":"integer"},{"minimum":2}]}""", """[1,2.5,3,"x"]""", "[1.5]")]
    [InlineData("""{"oneOf":[{"type":"integer"},{"type":"string"}],"maximum":3}""", """[1,"x"]""", "[4,true]")]
    [InlineData("""{"oneOf":[{"properties":{"k":{"const":1}},"required":["k"],"type":"object"},{"properties":{"k":{"const":2}},"required":["k"],"type":"object"}]}""", """[{"k":1},{"k":2}]""", """[{"k":3},{}]""")]
    [InlineData("""{"not":{"type":["object","array"]}}""", """[1,"x",null]""", "[[],{}]")]
    [InlineData("""{"not":{"const":"a"},"type":["string","null"]}""", """["b","","ab",null]""", """["a"]""")]
    [InlineData("""{"not":{"enum":[true,null]}}""", """[false,1,"x"]""", "[true,null]")]
    [InlineData("""{"not":{"required":["a"]}}""", """[{},{"b":1}]""", """[{"a":1},3]""")]
    [InlineData("""{"dependentRequired":{"a":["b"]}}""", """[{},{"b":1},{"a":1,"b":2}]""", """[{"a":1}]""")]
    [InlineData("""{"$ref":"#/$defs/a~1b","$defs":{"a/b":{"type":"integer"}},"minimum":2}""", "[2]", """[1,"x"]""")]
    [InlineData("""{"properties":{"n":{"$ref":"#"}},"additionalProperties":false}""", """[{},{"n":{"n":{}}},{"n":1}]""", """[{"m":1},{"n":{"m":1}}]""")]
    [InlineData("""{"$id":"https://example.org/s","items":{"$ref":"https://example.org/s#n"},"$defs":{"x":{"$anchor":"n","type":"null"}}}""", "[[null]]", "[[1]]")]
    [InlineData("""{"properties":{"a":true},"unevaluatedProperties":false}""", """[{},{"a":1}]""", """[{"b":1}]""")]
    [InlineData("""{"allOf":[{"prefixItems":[true]}],"unevaluatedItems":false}""", "[[],[1]]", "[[1,2]]")]
    [InlineData("""{"type":"string","format":"date"}""", """["2024-02-29","2023-12-31"]""", """["2023-02-29","2023-13-01","x"]""")]
    [InlineData("""{"type":"string","format":"date-time"}""", """["2024-02-29T23:59:59Z","2024-01-01T00:00:00.5+01:00"]""", """["2024-01-01","2024-01-01T24:00:00Z"]""")]
    [InlineData("""{"type":"string","format":"ipv4"}""", """["1.2.3.4","255.0.10.99"]""", """["1.2.3","256.1.1.1"]""")]
    [InlineData("""{"type":"string","format":"ipv6"}""", """["::","1::","::1","1:2:3:4:5:6:7:8","fe80::1:2"]""", """["1","1:2","1::2::3"]""")]
    [InlineData("""{"type":"string","format":"uuid"}""", """["123e4567-e89b-12d3-a456-426614174000"]""", """["123e4567"]""")]
    [InlineData("true", """[1,"x",{"a":[null,{"b":false}]}]""", "[]")]
    public void A_value_fits_a_keyword_as_the_specification_says(string schema, string valid, string invalid)
    {
        var grammar = Grammar.OfJsonSchema(schema, Wide);
        var judge = JsonSchemaTexts.Build(schema);
        foreach (var (list, fits) in (ReadOnlySpan<(string, bool)>)[(valid, true), (invalid, false)])
        {
            foreach (var value in JsonDocument.Parse(list).RootElement.EnumerateArray())
            {
                string text = value.GetRawText();
                Assert.True(JsonSchemaTexts.Validates(judge, text) == fits, $"{text} is not what the package says.");
                Assert.True(GrammarTexts.Accepts(grammar, text) == fits, $"{text} should {(fits ? "" : "not ")}fit.");
            }
        }
    }

    [Theory]
    [InlineData("""{"uniqueItems":true}""", "'uniqueItems'", "'#'")]
    [InlineData("""{"properties":{"a/b":{"contains":{}}}}""", "'contains'", "'#/properties/a~1b'")]
    [InlineData("""{"items":{"if":{},"then":{}}}""", "'if'", "'#/items'")]
    [InlineData("""{"dependentSchemas":{}}""", "'dependentSchemas'", "'#'")]
    [InlineData("""{"$dynamicRef":"#x"}""", "'$dynamicRef'", "'#'")]
    [InlineData("""{"minimun":3}""", "'minimun'", "'#'")]
    [InlineData("""{"items":[{}]}""", "prefixItems", "'#'")]
    [InlineData("""{"format":"regex"}""", "'regex'", "'#/format'")]
    [InlineData("""{"pattern":"(?=a)b"}""", "(?=", "'#/pattern'")]
    [InlineData("""{"$ref":"other.json"}""", "'other.json'", "'#'")]
    [InlineData("""{"$ref":"#/$defs/x"}""", "no such schema", "'#'")]
    [InlineData("""{"$ref":"#"}""", "itself", "'#'")]
    [InlineData("""{"allOf":[{"$ref":"#"}]}""", "itself", "'#'")]
    [InlineData("""{"not":{"minimum":3}}""", "'minimum'", "'#/not'")]
    [InlineData("""{"not":{"const":3}}""", "'not'", "'#'")]
    [InlineData("""{"oneOf":[{"minimum":1},{"maximum":5}]}""", "'oneOf'", "'#/oneOf/1'")]
    [InlineData("""{"type":"integer","multipleOf":12347}""", "'multipleOf'", "'#'")]
    [InlineData("""{"type":"text"}""", "'text'", "'#/type'")]
    [InlineData("""{"minLength":-1}""", "whole number", "'#/minLength'")]
    [InlineData("""{"minLength":2000000}""", "1000000", "'#/minLength'")]
    [InlineData("""{"minProperties":3}""", "'minProperties'", "'#'")]
    [InlineData("""{"required":"a"}""", "list", "'#/required'")]
    [InlineData("""{"anyOf":[]}""", "at least one", "'#/anyOf'")]
    [InlineData("""{"properties":{"a":5}}""", "object, true or false", "'#/properties/a'")]
    [InlineData("""{"a":1,"a":2}""", "no JSON", "JSON")]
    [InlineData("""{"type":"integer","minimum":3,"maximum":2}""", "fits no text", "")]
    [InlineData("false", "fits no text", "")]
    [InlineData("""{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}""", "fits no text", "")]
    [InlineData("{", "no JSON", "")]
    public void What_cannot_be_honoured_is_refused_by_its_name_and_place(string schema, string named, string place)
    {
        string message = Assert.Throws<GrammarException>(() => Grammar.OfJsonSchema(schema)).Message;
        Assert.Contains(named, message, StringComparison.Ordinal);
        Assert.Contains(place, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"a":1,"b":[1,2]}""", JsonWhiteSpace.Compact, true)]
    [InlineData("""{"a": 1, "b": [1, 2]}""", JsonWhiteSpace.Compact, false)]
    [InlineData("""{"a": 1, "b": [1, 2]}""", JsonWhiteSpace.Spaced, true)]
    [InlineData("""{"a":1,"b":[1,2]}""", JsonWhiteSpace.Spaced, false)]
    [InlineData("{\n  \"a\": 1,\n  \"b\" : [ 1,2 ]\n}", JsonWhiteSpace.Free, true)]
    [InlineData("""{"a":1,"b":[1,2]}""", JsonWhiteSpace.Free, true)]
    [InlineData("""{"b":[1,2],"a":1}""", JsonWhiteSpace.Compact, false)]
    public void White_space_and_order_follow_the_options(string text, JsonWhiteSpace space, bool fits)
    {
        const string Schema = """{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"array"}},"required":["a"]}""";
        Assert.Equal(fits, GrammarTexts.Accepts(Grammar.OfJsonSchema(Schema, new() { WhiteSpace = space }), text));
        Assert.True(GrammarTexts.Accepts(Grammar.OfJsonSchema(Schema, new() { PropertyOrder = JsonPropertyOrder.Free }), """{"b":[1,2],"a":1}"""));
        Assert.False(GrammarTexts.Accepts(Grammar.OfJsonSchema(Schema, new() { PropertyOrder = JsonPropertyOrder.Free }), """{"a":1,"a":1}"""));
    }

    [Fact]
    public void An_object_is_what_JSON_mode_gives()
    {
        var grammar = Grammar.OfJsonObject();
        Assert.True(GrammarTexts.Accepts(grammar, """{"a":[1,{"b":null}],"\u00e9\ud83d\ude00":"x"}"""));
        Assert.All((string[])["[1]", "\"x\"", "{\"a\":}", "{\"a\":1,}", "{\"\\ud83d\":1}", "{\"a\":01}"], text => Assert.False(GrammarTexts.Accepts(grammar, text)));
        Assert.Throws<GrammarException>(() => Grammar.OfJsonObject(new() { MaxIntegerDigits = 0 }));
    }
}
