using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace SpecDecode.Tool;

/// <summary>Options that take a list of whole numbers.</summary>
internal static class ListOption
{
    // Ranges are written out, so this bounds what a command line can make.
    private const int MaxLayers = 1 << 16;

    /// <summary>Token ids: <c>1,2,3</c>.</summary>
    public static Option<int[]?> Tokens(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "1,2,3",
        CustomParser = ParseTokens,
    };

    /// <summary>Lengths, ascending: <c>256,1024</c>.</summary>
    public static Option<int[]?> Lengths(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "N,N",
        CustomParser = argument =>
        {
            string[] parts = argument.Tokens[0].Value.Split(',', StringSplitOptions.TrimEntries);
            int[] numbers = new int[parts.Length];
            for (int i = 0; i < parts.Length; i++)
            {
                if (!TryParse(parts[i], out numbers[i]) || numbers[i] <= (i == 0 ? 0 : numbers[i - 1]))
                {
                    argument.AddError($"{name}: '{parts[i]}' is not a length above the one before it; write whole numbers above 0 separated by commas, such as 256,1024.");
                    return null;
                }
            }

            return numbers;
        },
    };

    /// <summary>Layers, counted from 0, with ranges: <c>3,5-7</c>.</summary>
    public static Option<int[]?> Layers(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "LIST",
        CustomParser = ParseLayers,
    };

    /// <summary>Token ids, of which there may be none.</summary>
    public static Option<int[]?> TokensOrNone(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "1,2,3",
        CustomParser = argument => string.IsNullOrWhiteSpace(argument.Tokens[0].Value) ? [] : ParseTokens(argument),
    };

    /// <summary>Probabilities: <c>0,0.5</c>.</summary>
    public static Option<float[]?> Probabilities(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "0,0.5",
        CustomParser = argument =>
        {
            string[] parts = argument.Tokens[0].Value.Split(',', StringSplitOptions.TrimEntries);
            float[] numbers = new float[parts.Length];
            for (int i = 0; i < parts.Length; i++)
            {
                if (!float.TryParse(parts[i], NumberStyles.Float, CultureInfo.InvariantCulture, out numbers[i]) || numbers[i] is not (>= 0 and <= 1))
                {
                    argument.AddError($"{name}: '{parts[i]}' is not a probability; write numbers from 0 to 1 separated by commas, such as 0,0.5.");
                    return null;
                }
            }

            return numbers;
        },
    };

    private static int[]? ParseTokens(ArgumentResult argument)
    {
        string[] parts = argument.Tokens[0].Value.Split(',', StringSplitOptions.TrimEntries);
        int[] numbers = new int[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (!TryParse(parts[i], out numbers[i]))
            {
                argument.AddError($"'{parts[i]}' is not a token id; write whole numbers separated by commas, such as 1,2,3.");
                return null;
            }
        }

        return numbers;
    }

    private static int[]? ParseLayers(ArgumentResult argument)
    {
        List<int> layers = [];
        foreach (string part in argument.Tokens[0].Value.Split(',', StringSplitOptions.TrimEntries))
        {
            string[] ends = part.Split('-', StringSplitOptions.TrimEntries);
            if (ends.Length > 2 || !TryParse(ends[0], out int first) || !TryParse(ends[^1], out int last) || last < first)
            {
                argument.AddError($"'{part}' is not a layer or a range of layers; write whole numbers from 0 and ranges separated by commas, such as 3,5-7.");
                return null;
            }

            if (last - first >= MaxLayers - layers.Count)
            {
                argument.AddError($"'{part}' makes a list of more than {MaxLayers} layers, which no model has.");
                return null;
            }

            layers.AddRange(Enumerable.Range(first, last - first + 1));
        }

        return [.. layers];
    }

    private static bool TryParse(string text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
