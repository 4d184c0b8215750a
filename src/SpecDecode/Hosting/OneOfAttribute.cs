using System.ComponentModel.DataAnnotations;

namespace SpecDecode.Hosting;

/// <summary>A word must be one of those that there are.</summary>
/// <param name="words">The words, separated by spaces.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class OneOfAttribute(string words) : ValidationAttribute
{
    public string Words => words;

    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) => words.Split(' ').Contains(value)
        ? ValidationResult.Success
        : new ValidationResult($"{OptionPath.Of(validationContext)} is '{value}': give one of {string.Join(", ", words.Split(' '))}.");
}
