namespace LeadPipeline.Mcp.Tests.Crm.HubSpot;

/// <summary>The suite on the HubSpot provider.</summary>
[TestFixture]
public sealed class HubSpotConformance : CrmConformance
{
    protected override async Task<ICrmUnderTest> StartAsync() => await HubSpotUnderTest.StartAsync();
}
