using System.CommandLine.Parsing;
using System.Globalization;

namespace SpecDecode.Tool;

/// <summary>Lists of whole numbers on the command line.</summary>
internal static class NumberList
{
    // A range is written out, so that its ends bound what is allocated.
    private const int MaxRange = 1 << 16;

    /// <summary>Token ids: <c>1,2,3</c>.</summary>
    public static int[]? ParseTokens(ArgumentResult argument)
    {
        string text = argument.Tokens[0].Value;
        string[] parts = text.Split(',', StringSplitOptions.TrimEntries);
        int[] numbers = new int[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (!TryParse(parts[i], out numbers[i]))
            {
                argument.AddError($"--tokens: '{parts[i]}' is not a token id; write whole numbers separated by commas, such as 1,2,3.");
                return null;
            }
        }

        return numbers;
    }

    /// <summary>Layers, counted from 0, with ranges: <c>3,5-7</c>.</summary>
    public static int[]? ParseLayers(ArgumentResult argument)
    {
        List<int> layers = [];
        foreach (string part in argument.Tokens[0].Value.Split(',', StringSplitOptions.TrimEntries))
        {
            string[] ends = part.Split('-', StringSplitOptions.TrimEntries);
            if (ends.Length > 2 || !TryParse(ends[0], out int first) || !TryParse(ends[^1], out int last) || last < first || last - first > MaxRange)
            {
                argument.AddError($"'{part}' is not a layer or a range of layers; write whole numbers from 0 and ranges separated by commas, such as 3,5-7.");
                return null;
            }

            layers.AddRange(Enumerable.Range(first, last - first + 1));
        }

        return [.. layers];
    }

    private static bool TryParse(string text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
