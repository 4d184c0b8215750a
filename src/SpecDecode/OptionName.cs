namespace SpecDecode;

/// <summary>An option where a sentence names it, so that whoever tells the sentence can say it in words of its own.</summary>
/// <param name="Section">The section of a configuration that has it.</param>
/// <param name="Property">The property's name.</param>
internal readonly record struct OptionName(string Section, string Property)
{
    /// <summary>The option as a configuration names it, from its section on: <c>Model:Precision</c>.</summary>
    public string Key => Section.Length == 0 ? Property : $"{Section}:{Property}";

    /// <summary>An option of <see cref="ModelOptions"/>.</summary>
    public static OptionName OfModel(string property) => new("Model", property);

    /// <summary>An option of <see cref="RuntimeOptions"/>.</summary>
    public static OptionName OfRuntime(string property) => new("Runtime", property);

    /// <summary>The property's name.</summary>
    public override string ToString() => Property;
}
