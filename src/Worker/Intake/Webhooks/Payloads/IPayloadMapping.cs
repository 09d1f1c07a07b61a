using System.Text.Json;

namespace LeadPipeline.Worker.Intake.Webhooks.Payloads;

/// <summary>
/// What a sender's post means in our words. Pure, and safe from surprises: the body has been through <see cref="StrictJson"/>, or came from a form.
/// </summary>
public interface IPayloadMapping
{
    /// <summary>Whether the sender may also post HTML forms; their fields then are members of one object.</summary>
    bool TakesForms => false;

    /// <summary>Reads a post.</summary>
    /// <param name="body">The body.</param>
    /// <param name="header">A header by its name; null when it is missing.</param>
    MappedPayload Map(JsonElement body, Func<string, string?> header);
}

/// <summary>A lead as a post states it.</summary>
/// <param name="Lead">In the shape of <c>POST /leads</c>.</param>
/// <param name="Key">The same whenever the sender repeats the post; null when the sender gives nothing that could serve.</param>
public sealed record MappedLead(JsonElement Lead, string? Key);

/// <summary>A lead that a post only refers to.</summary>
/// <param name="Id">The sender's id for it, digits only.</param>
/// <param name="Key">As in <see cref="MappedLead"/>.</param>
public sealed record ReferredLead(string Id, string Key);

/// <summary>What a post means. A closed family.</summary>
public abstract record MappedPayload
{
    private MappedPayload() { }

    /// <summary>These leads, at least one.</summary>
    public sealed record Leads(IReadOnlyList<MappedLead> Mapped) : MappedPayload;

    /// <summary>Leads that have to be read at the sender, at least one.</summary>
    public sealed record Referred(IReadOnlyList<ReferredLead> Mapped) : MappedPayload;

    /// <summary>Nothing for us, and nothing wrong with it: the sender is told that it has arrived.</summary>
    /// <param name="Reason">Why, for the sender's log.</param>
    public sealed record Ignored(string Reason) : MappedPayload;

    /// <summary>Not what this sender sends.</summary>
    public sealed record Unusable(FieldError Error) : MappedPayload;

    /// <summary>One lead.</summary>
    internal static MappedPayload One(JsonElement lead, string? key) => new Leads([new MappedLead(lead, key)]);

    /// <summary>A member that the sender always sends is not there.</summary>
    internal static MappedPayload Missing(string path, string what) => new Unusable(new FieldError(path, $"is missing or not {what}", "check that this address belongs to this sender, and its kind of event"));
}
