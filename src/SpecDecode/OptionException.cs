using System.Globalization;

namespace SpecDecode;

/// <summary>
/// An option of <see cref="ModelOptions"/>, <see cref="RuntimeOptions"/> or the section Drafting that cannot be as it is. The message names options by their
/// properties; <see cref="Describe"/> says the same with other names, such as the keys of a configuration or a command's options.
/// </summary>
public sealed class OptionException : SpecDecodeException
{
    private readonly FormattableString _sentence;

    /// <summary>Creates the error.</summary>
    /// <param name="option">The option as a configuration names it, from its section on: <c>Model:Precision</c>.</param>
    /// <param name="problem">What is wrong with it and the mend, without its name, which is put in front.</param>
    /// <param name="innerException">The failure beneath, if there is one.</param>
    public OptionException(string option, string problem, Exception? innerException = null)
        : this(SentenceOf(option, problem), innerException)
    {
    }

    /// <summary>Creates the error from a sentence.</summary>
    /// <param name="sentence">The sentence; options in it are <see cref="OptionName"/>s, the first of which is the one at fault.</param>
    /// <param name="innerException">The failure beneath, if there is one.</param>
    internal OptionException(FormattableString sentence, Exception? innerException = null)
        : base(sentence.ToString(CultureInfo.InvariantCulture), innerException)
    {
        _sentence = sentence;
        Option = sentence.GetArguments().OfType<OptionName>().First().Key;
    }

    /// <summary>The option at fault as a configuration names it, from its section on: <c>Model:Precision</c>.</summary>
    public string Option { get; }

    /// <summary>The message with other names for the options that it names.</summary>
    /// <param name="name">Gives an option's name for what a configuration calls it, from its section on.</param>
    public string Describe(Func<string, string> name)
    {
        ArgumentNullException.ThrowIfNull(name);
        object?[] arguments = [.. _sentence.GetArguments().Select(argument => argument is OptionName option ? name(option.Key) : argument)];
        return string.Format(CultureInfo.InvariantCulture, _sentence.Format, arguments);
    }

    private static FormattableString SentenceOf(string option, string problem)
    {
        ArgumentNullException.ThrowIfNull(option);
        int end = option.LastIndexOf(':');
        OptionName name = new(end < 0 ? "" : option[..end], option[(end + 1)..]);
        return $"{name} {problem}";
    }
}
