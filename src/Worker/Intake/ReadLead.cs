using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Intake;

/// <summary>What came of reading a body: a lead, or what the sender has to change.</summary>
public abstract record ReadLead
{
    private ReadLead() { }

    /// <summary>A normalised lead.</summary>
    /// <param name="Lead">The lead, its id already derived.</param>
    /// <param name="Keys">What it is recognised by.</param>
    /// <param name="Warnings">What was changed or dropped, in words without personal data.</param>
    public sealed record Accepted(Lead Lead, LeadKeys Keys, IReadOnlyList<string> Warnings) : ReadLead;

    /// <summary>The body cannot be taken.</summary>
    /// <param name="Errors">One entry per bad field, at least one.</param>
    public sealed record Refused(IReadOnlyList<FieldError> Errors) : ReadLead;
}

/// <summary>A field that cannot be taken. Never repeats the value: it may be personal, and it may be a megabyte.</summary>
/// <param name="Field">The member's name; <c>$</c> for the body as a whole.</param>
/// <param name="Problem">What is wrong with it, completing "FIELD …".</param>
/// <param name="Remedy">What the sender should do.</param>
public sealed record FieldError(string Field, string Problem, string Remedy)
{
    /// <inheritdoc />
    public override string ToString() => $"{Field} {Problem}: {Remedy}";
}
