namespace LeadPipeline.Mcp.Tests.Crm.Salesforce;

/// <summary>The suite on the Salesforce provider.</summary>
[TestFixture]
[Parallelizable]
public sealed class SalesforceConformance : CrmConformance
{
    protected override async Task<ICrmUnderTest> StartAsync() => await SalesforceUnderTest.StartAsync();
}
