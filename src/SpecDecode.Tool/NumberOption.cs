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
    public static Option<float?> Probability(string name, string helpName, string description) =>
        Real(name, helpName, description, number => number is >= 0 and <= 1, "a probability from 0 to 1");

    /// <summary>A number that may be left out.</summary>
    /// <param name="name">The option.</param>
    /// <param name="helpName">What it stands for.</param>
    /// <param name="description">What it does.</param>
    /// <param name="isAllowed">Whether a number lies within its bounds.</param>
    /// <param name="bounds">The bounds in words.</param>
    public static Option<float?> Real(string name, string helpName, string description, Func<float, bool> isAllowed, string bounds) => new(name)
    {
        Description = description,
        HelpName = helpName,
        CustomParser = argument =>
        {
            string text = argument.Tokens[0].Value;
            if (float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out float number) && isAllowed(number))
            {
                return number;
            }

            argument.AddError($"{name} is '{text}'; give {bounds}.");
            return null;
        },
    };

    /// <summary>A whole number of 64 bits that may be left out.</summary>
    public static Option<long?> Seed(string name, string helpName, string description) => new(name)
    {
        Description = description,
        HelpName = helpName,
        CustomParser = argument =>
        {
            string text = argument.Tokens[0].Value;
            if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number))
            {
                return number;
            }

            argument.AddError($"{name} is '{text}'; give a whole number of at most 64 bits.");
            return null;
        },
    };
}
