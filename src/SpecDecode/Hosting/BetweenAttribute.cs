using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace SpecDecode.Hosting;

/// <summary>A number must lie between bounds; NaN does not. The error names the option as it is written in the configuration.</summary>
/// <param name="least">The least that is allowed.</param>
/// <param name="most">The most that is allowed.</param>
/// <param name="mend">What to give, in words.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class BetweenAttribute(double least, double most, string mend) : ValidationAttribute
{
    public double Least => least;

    public double Most => most;

    public string Mend => mend;

    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        value is null || Convert.ToDouble(value, CultureInfo.InvariantCulture) is var number && number >= least && number <= most
            ? ValidationResult.Success
            : new ValidationResult(string.Create(CultureInfo.InvariantCulture, $"{OptionPath.Of(validationContext)} is {value}: give {mend}."));
}
