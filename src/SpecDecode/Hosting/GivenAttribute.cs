using System.ComponentModel.DataAnnotations;

namespace SpecDecode.Hosting;

/// <summary>An option must be set.</summary>
/// <param name="mend">What to give, in words.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class GivenAttribute(string mend) : ValidationAttribute
{
    public string Mend => mend;

    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) => value is not (null or "")
        ? ValidationResult.Success
        : new ValidationResult($"{OptionPath.Of(validationContext)} is not set: give {mend}.");
}
