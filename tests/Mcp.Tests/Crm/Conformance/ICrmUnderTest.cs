using LeadPipeline.Mcp.Crm;
using LeadPipeline.TestKit;

namespace LeadPipeline.Mcp.Tests.Crm;

/// <summary>What a provider may honestly not have. A tool that needs it has to be refused with <c>not_supported</c>.</summary>
public enum CrmCapability
{
    /// <summary>Turning a lead into a contact of an account.</summary>
    Conversion,
    /// <summary>Members of campaigns.</summary>
    Campaigns,
    /// <summary>A person's being a lead and a contact in two records; without it one record is both, and an address is in the CRM once.</summary>
    ContactsBesideLeads,
    /// <summary>Effect keys on members of campaigns; without them nobody can tell whose a membership is that is found after a lost answer.</summary>
    KeysOnMembers,
    /// <summary>Tasks that hang on a lead and on an opportunity at once.</summary>
    TasksOfTwo,
}

/// <summary>Ways in which a call that writes can fail.</summary>
public enum PlannedFault
{
    /// <summary>Nobody listens: the call is not taken.</summary>
    RefusedConnection,
    /// <summary>503: the call is not taken.</summary>
    ServerError,
    /// <summary>The call is carried out and its answer is lost.</summary>
    AcceptedThenDropped,
    /// <summary>The call is not carried out and never answered; the provider gives up after its time for a call.</summary>
    NoAnswer,
    /// <summary>429.</summary>
    RateLimited,
    /// <summary>401, also after a refresh of the credentials.</summary>
    Unauthorized,
    /// <summary>The CRM refuses this write for good, and takes the others of the same call.</summary>
    PartRefused,
    /// <summary>401, once: the refreshed credentials are taken.</summary>
    TokenExpired,
    /// <summary>The provider gives up waiting; the call is carried out later, when the provider is about to write the next time.</summary>
    LateBeforeRetry,
    /// <summary>The provider gives up waiting; the call is carried out later, when the provider has written the next time.</summary>
    LateAfterRetry,
}

/// <summary>
/// A provider and a CRM (or a simulator of one) behind it, for one test. The suite works through <see cref="Crm"/>; the other members are
/// the rest of the world: people, other systems and trouble.
/// </summary>
public interface ICrmUnderTest : IAsyncDisposable
{
    /// <summary>The provider as the worker uses it, its guards around it. Asked for anew before each call.</summary>
    ICrm Crm { get; }

    /// <summary>
    /// The clock of provider and executor. It stands still unless the suite moves it; a fault that lasts until a time-out has to move it
    /// itself when its call arrives, so that no test waits.
    /// </summary>
    FakeTimeProvider Time { get; }

    /// <summary>Where the process can end.</summary>
    CrashPoints Crashes { get; }

    /// <summary>How many records came to be in the CRM with each effect key, by the CRM's own count; those that were removed again need not be in it.</summary>
    Task<IReadOnlyDictionary<string, int>> CountEffectsAsync();

    /// <summary>What the provider does not have.</summary>
    IReadOnlySet<CrmCapability> Lacks { get; }

    /// <summary>Another system or a person creates a record, with none of our keys. Answers its id.</summary>
    /// <param name="kind">Its kind; users and campaigns among them.</param>
    /// <param name="fields">Its fields by our names (<see cref="CrmFields"/>); links hold ids.</param>
    Task<string> CreateAsync(CrmObject kind, params (string Field, string Value)[] fields);

    /// <summary>A person changes a field; null clears it.</summary>
    Task EditAsync(CrmObject kind, string id, string field, string? value);

    /// <summary>A person deletes a record.</summary>
    Task DeleteAsync(CrmObject kind, string id);

    /// <summary>All live records of a kind, by our names, in any order.</summary>
    Task<IReadOnlyList<CrmRecord>> ListAsync(CrmObject kind);

    /// <summary>The next call that carries a write of this tool about this kind of record fails so, once; what is refused for good is refused again to whoever asks again.</summary>
    /// <param name="fault">How.</param>
    /// <param name="tool">The tool's name.</param>
    /// <param name="kind">The kind of record that the tool's first write is about.</param>
    void FailNext(PlannedFault fault, string tool, CrmObject kind);

    /// <summary>Whether the fault that was planned last has struck.</summary>
    bool HasFailed { get; }

    /// <summary>Calls that are late are carried out now.</summary>
    Task SettleAsync();
}
