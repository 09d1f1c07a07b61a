namespace LeadPipeline.Mcp.Crm;

/// <summary>
/// A record that a write is about: one that exists, or the one that an earlier step of the same plan creates and whose id is not
/// known yet. Written as text (in arguments and fields), the latter is <c>@STEP</c>.
/// </summary>
/// <param name="Id">The CRM's id, when the record exists.</param>
/// <param name="Step">The step that creates it, when it does not exist yet.</param>
public readonly record struct RecordRef(string? Id, string? Step)
{
    /// <summary>Reads <c>@STEP</c> or an id.</summary>
    public static RecordRef Parse(string text) => text.StartsWith('@') ? new(null, text[1..]) : new(text, null);

    /// <summary>A reference to the record that a step creates.</summary>
    public static RecordRef CreatedBy(string step) => new(null, step);

    /// <inheritdoc/>
    public override string ToString() => Id ?? "@" + Step;
}

/// <summary>One change that a step asks of the CRM. A closed family: create, update, convert, remove.</summary>
/// <param name="Step">The plan step it belongs to.</param>
/// <param name="Tool">The tool that decided it.</param>
/// <param name="Object">The kind of record.</param>
public abstract record CrmWrite(string Step, string Tool, CrmObject Object)
{
    /// <summary>The steps of the same plan whose new records this write refers to, its own among them.</summary>
    public IEnumerable<string> References
    {
        get
        {
            if ((this switch { UpdateRecord update => update.Target, ConvertLead convert => convert.Lead, _ => default }).Step is { } target)
                yield return target;
            var links = this switch
            {
                ConvertLead { Account.Step: { } account } => [RecordRef.CreatedBy(account).ToString()],
                CreateRecord create => create.Fields.Where(f => CrmFields.IsLink(f.Key)).Select(f => f.Value),
                UpdateRecord update => update.Fields.Where(f => CrmFields.IsLink(f.Key)).Select(f => f.Value),
                _ => [],
            };
            foreach (var link in links)
            {
                if (link is not null && RecordRef.Parse(link).Step is { } step)
                    yield return step;
            }
        }
    }
}

/// <summary>Create a record. A record with the same effect key is not created again: the first one is answered.</summary>
/// <param name="Step">The plan step; later writes may refer to the new record by it.</param>
/// <param name="Tool">The tool.</param>
/// <param name="Object">The kind of record.</param>
/// <param name="EffectKey">Written into the record; unique in the CRM.</param>
/// <param name="RecordKey">Our external key, unique in the CRM; null for records that have none.</param>
/// <param name="Fields">Values by our names; a value <c>@STEP</c> in a link field is replaced by the new record's id.</param>
public sealed record CreateRecord(
    string Step, string Tool, CrmObject Object, string EffectKey, string? RecordKey, IReadOnlyDictionary<string, string> Fields)
    : CrmWrite(Step, Tool, Object);

/// <summary>Change fields of a record.</summary>
/// <param name="Step">The plan step.</param>
/// <param name="Tool">The tool.</param>
/// <param name="Object">The kind of record.</param>
/// <param name="Target">Which record.</param>
/// <param name="Fields">New values by our names; null clears a field.</param>
/// <param name="ExpectedVersion">Refuse with <c>changed_since</c> when the record has another version at the beginning of the batch; null: do not ask.</param>
public sealed record UpdateRecord(
    string Step, string Tool, CrmObject Object, RecordRef Target, IReadOnlyDictionary<string, string?> Fields, string? ExpectedVersion)
    : CrmWrite(Step, Tool, Object);

/// <summary>
/// Turn a lead into a contact of an account. It cannot be undone (a pivot), so it is sent alone and last, and it is read back by the
/// lead's own <see cref="CrmFields.ConvertedContact"/>.
/// </summary>
/// <param name="Step">The plan step.</param>
/// <param name="Tool">The tool.</param>
/// <param name="EffectKey">Written into the contact that comes out of it.</param>
/// <param name="Lead">Which lead.</param>
/// <param name="Account">The account that the contact will belong to.</param>
/// <param name="Owner">The user who will own the contact; null: the lead's owner.</param>
/// <param name="ExpectedVersion">Refuse with <c>changed_since</c> when the lead has another version.</param>
public sealed record ConvertLead(
    string Step, string Tool, string EffectKey, RecordRef Lead, RecordRef Account, string? Owner, string? ExpectedVersion)
    : CrmWrite(Step, Tool, CrmObject.Lead);

/// <summary>Take a record back (recycle bin, archive). Only compensation does this.</summary>
/// <param name="Step">The plan step that is being undone.</param>
/// <param name="Tool">The tool that is being undone.</param>
/// <param name="Object">The kind of record.</param>
/// <param name="Id">Which record.</param>
/// <param name="ExpectedVersion">Refuse with <c>changed_since</c> when the record has another version.</param>
public sealed record RemoveRecord(string Step, string Tool, CrmObject Object, string Id, string? ExpectedVersion)
    : CrmWrite(Step, Tool, Object);

/// <summary>What came of one write. A closed family.</summary>
public abstract record CrmOutcome
{
    private CrmOutcome() { }

    /// <summary>It is in the CRM.</summary>
    /// <param name="RecordId">The record.</param>
    /// <param name="Version">The record's version after the write.</param>
    /// <param name="Replayed">The record with this effect key was there already.</param>
    /// <param name="Data">Further results, for example the contact that a converted lead became.</param>
    public sealed record Done(string RecordId, string? Version, bool Replayed = false, IReadOnlyDictionary<string, string>? Data = null) : CrmOutcome;

    /// <summary>The CRM said no, for good; nothing was written by this write.</summary>
    /// <param name="Code">A stable code, see <see cref="CrmCodes"/>.</param>
    /// <param name="Message">What and why, without personal data.</param>
    public sealed record Refused(string Code, string Message) : CrmOutcome;

    /// <summary>Not now; nothing was written by this write.</summary>
    /// <param name="Kind">Why.</param>
    /// <param name="Message">What and why, without personal data.</param>
    /// <param name="RetryAfter">How long the CRM asks us to wait, if it said.</param>
    /// <param name="Fault">What kind of trouble it was, for the meters.</param>
    public sealed record NotNow(NotNowKind Kind, string Message, TimeSpan? RetryAfter = null, CrmFault Fault = CrmFault.Unknown) : CrmOutcome;

    /// <summary>No answer came: it may or may not have been written. It must be read back.</summary>
    /// <param name="Message">What happened.</param>
    /// <param name="Fault">What kind of trouble it was, for the meters.</param>
    public sealed record Unknown(string Message, CrmFault Fault = CrmFault.Unknown) : CrmOutcome;

    /// <summary>Not tried, because an earlier write of the batch did not succeed.</summary>
    public sealed record NotTried : CrmOutcome;
}

/// <summary>Why the CRM would not do it now.</summary>
public enum NotNowKind
{
    /// <summary>A passing fault: 5xx, a lock, a refused connection.</summary>
    Transient,
    /// <summary>A limit; waiting helps.</summary>
    RateLimited,
    /// <summary>The breaker is open; no call was made.</summary>
    BreakerOpen,
    /// <summary>The credentials are refused, even after a refresh: waiting does not help, a person has to mend them.</summary>
    Unauthorized,
}

/// <summary>Kinds of trouble with a CRM, as the meters name them.</summary>
public enum CrmFault
{
    /// <summary>None of the others.</summary>
    Unknown,
    /// <summary>Nobody listens at the address.</summary>
    ConnectionRefused,
    /// <summary>No answer in time.</summary>
    Timeout,
    /// <summary>The host name has no address.</summary>
    DnsFailure,
    /// <summary>401, after a refresh of the credentials.</summary>
    Unauthorized,
    /// <summary>403: the user may not do this.</summary>
    Forbidden,
    /// <summary>429 or the vendor's own words for it.</summary>
    RateLimited,
    /// <summary>5xx or 408.</summary>
    ServerError,
}

/// <summary>Codes of refusals that tools and compensation tell apart.</summary>
public static class CrmCodes
{
    public const string ChangedSince = "changed_since", DuplicateLead = "duplicate_lead", NotFound = "not_found",
        InvalidReference = "invalid_reference", Unauthorized = "unauthorized", Permanent = "refused", Ambiguous = "ambiguous",
        NoGroundedFields = "no_grounded_fields", IntentTooLow = "intent_too_low", ScoreTooLow = "score_too_low",
        AccountRequired = "account_required", NoCriteria = "no_criteria", InvalidStage = "invalid_stage",
        InvalidStatus = "invalid_status", UnknownOwner = "unknown_owner", UnknownCampaign = "unknown_campaign",
        TagNotAllowed = "tag_not_allowed", NotConvertible = "not_convertible", NotSupported = "not_supported",
        Replayed = "replayed", InvalidArguments = "invalid_arguments";
}
