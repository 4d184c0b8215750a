using System.Text.Json.Nodes;

namespace SpecDecode.Tests.Grammars;

/// <summary>Schemas of all supported keywords, put together by chance.</summary>
internal static class RandomSchemas
{
    private static readonly string[] Names = ["a", "b", "id", "name", "x1", "née", "q\"t"];
    private static readonly string[] Patterns = ["^[a-f]+$", "^x", "[0-9]{2}", "^(yes|no)$", "^\\w{2,9}$", "z$", "^[^a]*$"];
    private static readonly string[] Formats = ["date", "time", "date-time", "uuid", "ipv4", "ipv6", "email", "hostname", "uri", "duration", "json-pointer"];

    public static string Make(Random random)
    {
        JsonObject schema = Any(random, 3);
        if (random.Next(3) == 0)
        {
            schema["$defs"] = new JsonObject { ["node"] = Object(random, 1, recursive: true), ["word"] = Text(random) };
            if (random.Next(2) == 0 && schema["properties"] is JsonObject properties)
                properties["more"] = new JsonObject { ["$ref"] = "#/$defs/node" };
        }
        return schema.ToJsonString();
    }

    private static JsonObject Any(Random random, int depth) => random.Next(depth == 0 ? 4 : 10) switch
    {
        0 => Text(random),
        1 => Number(random),
        2 => new() { ["type"] = random.Next(2) == 0 ? "boolean" : "null" },
        3 => new() { ["enum"] = new JsonArray("x", 1, -2.5, null, true, new JsonArray(1, "y"), new JsonObject { ["k"] = random.Next(9) }) },
        4 => Array(random, depth),
        5 => new() { ["anyOf"] = new JsonArray([.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Any(random, depth - 1))]) },
        6 => new() { ["type"] = new JsonArray("string", "integer", "null"), ["maxLength"] = random.Next(1, 30), ["minimum"] = random.Next(-50, 50) },
        7 => new()
        {
            ["oneOf"] = new JsonArray([.. Enumerable.Range(0, random.Next(1, 4)).Select(i => new JsonObject
            {
                ["type"] = "object", ["properties"] = new JsonObject { ["kind"] = new JsonObject { ["const"] = i }, ["v"] = Any(random, depth - 1) },
                ["required"] = new JsonArray("kind"),
            })]),
        },
        _ => Object(random, depth, recursive: false),
    };

    private static JsonObject Text(Random random)
    {
        JsonObject schema = new() { ["type"] = "string" };
        switch (random.Next(6))
        {
            case 0:
                schema["pattern"] = Patterns[random.Next(Patterns.Length)];
                if (random.Next(2) == 0)
                    schema["maxLength"] = random.Next(3, 20);
                break;
            case 1:
                schema["format"] = Formats[random.Next(Formats.Length)];
                break;
            case 2:
                schema["minLength"] = random.Next(60);
                schema["maxLength"] = schema["minLength"]!.GetValue<int>() + random.Next(60);
                break;
            case 3:
                schema["not"] = new JsonObject { ["enum"] = new JsonArray("a", "", "no") };
                break;
            case 4:
                schema["enum"] = new JsonArray("one", "two", "on\ne", "\"", "é");
                break;
        }
        return schema;
    }

    private static JsonObject Number(Random random)
    {
        JsonObject schema = new() { ["type"] = random.Next(2) == 0 ? "integer" : "number" };
        decimal low = random.Next(-2000, 2000) / (random.Next(2) == 0 ? 1m : 100m);
        if (random.Next(2) == 0)
            schema[random.Next(2) == 0 ? "minimum" : "exclusiveMinimum"] = low;
        if (random.Next(2) == 0)
            schema[random.Next(2) == 0 ? "maximum" : "exclusiveMaximum"] = low + 2 + (random.Next(100000) / 10m);
        if (random.Next(4) == 0)
            schema["multipleOf"] = random.Next(2) == 0 ? random.Next(1, 20) : 0.05m;
        return schema;
    }

    private static JsonObject Array(Random random, int depth)
    {
        JsonObject schema = new() { ["type"] = "array" };
        if (random.Next(3) == 0)
            schema["prefixItems"] = new JsonArray([.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Any(random, depth - 1))]);
        schema["items"] = random.Next(6) == 0 ? false : Any(random, depth - 1);
        if (random.Next(2) == 0)
            schema["maxItems"] = random.Next(1, 40);
        if (random.Next(3) == 0 && schema["items"] is JsonObject)
            schema["minItems"] = random.Next(0, schema["maxItems"]?.GetValue<int>() ?? 5);
        return schema;
    }

    private static JsonObject Object(Random random, int depth, bool recursive)
    {
        JsonObject schema = new() { ["type"] = "object" };
        JsonObject properties = [];
        foreach (string name in Names.Where(_ => random.Next(3) > 0))
            properties[name] = recursive && random.Next(5) == 0 ? new JsonObject { ["$ref"] = "#/$defs/node" } : Any(random, Math.Max(0, depth - 1));
        schema["properties"] = properties;
        schema["required"] = new JsonArray([.. properties.Where(item => random.Next(2) == 0 && item.Value!["$ref"] is null).Select(item => (JsonNode)item.Key)]);
        switch (random.Next(7))
        {
            case 0:
                schema["additionalProperties"] = false;
                break;
            case 1:
                schema["additionalProperties"] = Any(random, 0);
                break;
            case 2:
                schema["patternProperties"] = new JsonObject { ["^p"] = Any(random, 0), ["9$"] = new JsonObject() };
                break;
            case 3:
                schema["maxProperties"] = Math.Max(1, properties.Count);
                schema["minProperties"] = Math.Min(2, properties.Count);
                break;
            case 4:
                schema["allOf"] = new JsonArray(Object(random, 0, recursive: false));
                break;
            case 5:
                schema["propertyNames"] = new JsonObject { ["minLength"] = 1, ["maxLength"] = 8 };
                break;
        }
        return schema;
    }
}
