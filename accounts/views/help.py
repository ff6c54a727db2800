from django.contrib.auth.decorators import login_not_required
from django.shortcuts import render
from django.views.decorators.http import require_safe


@login_not_required
@require_safe
def sign_in(request):
    """« J'ai des problèmes de connexion » (FAQ), open to who cannot come in."""
    return render(request, "accounts/help_sign_in.html")
