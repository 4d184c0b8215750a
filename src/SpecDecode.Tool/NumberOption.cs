using System.CommandLine;
using System.Globalization;

namespace SpecDecode.Tool;

/// <summary>Options that take a number within bounds; anything else is misuse of the command line.</summary>
internal static class NumberOption
{
    /// <summary>A whole number of at least <paramref name="min"/> that may be left out.</summary>
    public static Option<int?> Optional(string name, string helpName, string description, int min = 1, int max = int.MaxValue) => new(name)
    {
        Description = description,
        HelpName = helpName,
        CustomParser = argument =>
        {
            string text = argument.Tokens[0].Value;
            if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) && number >= min && number <= max)
            {
                return number;
            }

            argument.AddError(max == int.MaxValue
                ? $"{name} is '{text}'; give a whole number, {min} or more."
                : $"{name} is '{text}'; give a whole number from {min} to {max}.");
            return null;
        },
    };

    /// <summary>A probability, 0 to 1, that may be left out.</summary>
    public static Option<float?> Probability(string name, string helpName, string description) => new(name)
    {
        Description = description,
        HelpName = helpName,
        CustomParser = argument =>
        {
            string text = argument.Tokens[0].Value;
            if (float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out float number) && number is >= 0 and <= 1)
            {
                return number;
            }

            argument.AddError($"{name} is '{text}'; give a probability from 0 to 1.");
            return null;
        },
    };
}
